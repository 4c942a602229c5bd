"""Figures over many runs, drawn by ``zsl-report --plot``. Only this package of the report imports matplotlib."""

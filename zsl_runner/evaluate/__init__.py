"""``zsl-eval``: what the newest checkpoint of a finished or stopped run is good for."""

"""Trainers: named training procedures, each an ordered list of phases run by the one loop."""

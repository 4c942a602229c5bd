"""Tries to break zsl-run: kills, mutated configurations and data, damaged run directories, failing disks, cases."""

"""A run from its start to its record: directory, stages, checkpoints, result; and a run opened again."""

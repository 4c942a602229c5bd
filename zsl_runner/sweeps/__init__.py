"""What ``zsl-run`` starts, one run or a sweep; what a sweep and its jobs leave on disk, and the table at its end."""

"""Files and folders: whole files or none, names, checksums, locks, caches. Never imports torch."""

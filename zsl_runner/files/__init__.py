"""Files and folders: whole files or none, checksums, locks, caches. Never imports torch."""

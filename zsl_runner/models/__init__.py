"""Models: networks and the model's own mathematics. They know no files, devices, optimisers or loggers."""

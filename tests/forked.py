"""Console commands in processes forked from one that has imported what they need: milliseconds instead of seconds."""

import importlib
import os
import sys

IMPORTED_LATE = (
    "hydra",
    "zsl_runner.sweeps.command",
    "zsl_runner.train",
    "zsl_runner.runs.attempt",
    "torch.utils.tensorboard.writer",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "sklearn.cluster",
    "sklearn.manifold",
)
"""What whole runs import on their way."""


def be_command(folder, log, module, arguments):
    """Call a module's main() in a folder, as this process's last work; what it says goes to two files.

    Args:
        folder: working directory.
        log: beginning of the files' names, which end in ``.out`` and ``.err``.
        module: e.g. ``zsl_runner.train``.
        arguments: the command's.
    """
    os.chdir(folder)
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{log}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    sys.argv = ["zsl", *arguments]
    sys.exit(importlib.import_module(module).main())

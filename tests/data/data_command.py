"""Calls `zsl-data` in the test's own process, and trains on what it has written."""

import numpy as np

from tests.small_runs import config_of
from zsl_runner.data.command.cli import main
from zsl_runner.runs.attempt import execute


def run(capsys, *arguments):
    """Return the exit code of a command, and what it wrote to standard output and to standard error."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def import_and_train(folder, features, class_vectors, unseen, *overrides):
    """Import the two files of `zsl-data`, each fourth row for testing where it is of a seen class; train SGAL on them.

    Returns:
        The test metrics.
    """
    test_rows = folder / "test_rows.npy"
    np.save(test_rows, np.arange(0, len(np.load(features)["labels"]), 4))
    arrays = ("--features", str(features), "--class-vectors", str(class_vectors), "--test-rows", str(test_rows))
    assert main(["import", str(folder / "mine"), *arrays, "--unseen", ",".join(unseen)]) == 0
    arguments = [
        "dataset=xlsa17",
        f"dataset.root='{folder}/mine'",
        "dataset.cache=null",
        "model=sgal",
        "trainer.em.iterations=2",
        "tracker.figures=false",
        "tracker.progress=none",
        "tracker.tensorboard=false",
        "runtime.device=cpu",
        *overrides,
    ]
    return execute(config_of(folder / "outputs", *arguments), arguments).metrics

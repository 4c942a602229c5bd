"""Result records: one to change for a test, and those that runs wrote."""

import json

from zsl_runner.runs.result import Result


def make_result(**changes):
    values = {
        "status": "complete",
        "model": "sgal",
        "dataset": "digits",
        "trainer": "em",
        "seed": 3,
        "config_hash": "ab",
    }
    return Result(**(values | changes))


def recorded(directory):
    """Return what the result.json of a run says."""
    return json.loads((directory / "result.json").read_text())


def only_record(folder):
    """Return what the result.json of the one run below a folder says, and the run's directory."""
    (file,) = folder.glob("outputs/*/*/*/result.json")
    return recorded(file.parent), file.parent

"""A result record to change for a test."""

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

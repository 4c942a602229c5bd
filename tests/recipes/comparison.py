"""Makes a run that is never stopped, and compares two run directories bit by bit."""

import csv
from pathlib import Path

import torch

from tests.results import recorded


def final_state(directory: Path):
    newest = sorted((directory / "checkpoints").glob("step-*.pt"))[-1]
    return torch.load(newest, weights_only=True)["state"]


def rows(directory: Path):
    with (directory / "metrics.csv").open(newline="") as file:
        return [tuple(row) for row in csv.reader(file) if not row[-2].startswith("time/")]


def assert_same(first, second, path="state"):
    assert type(first) is type(second), path
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), path
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), path
        for key in first:
            assert_same(first[key], second[key], f"{path}.{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), path
        for index, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f"{path}[{index}]")
    else:
        assert first == second or (first != first and second != second), path


TIMES = ("wall", "cpu", "stage_seconds", "finished", "variants")


def same_end(first: Path, second: Path):
    one, two = final_state(first), final_state(second)
    for key in TIMES:
        one.pop(key), two.pop(key)
    assert_same(one, two)
    assert rows(first) == rows(second)
    results = [recorded(directory) for directory in (first, second)]
    assert results[0]["metrics"] == results[1]["metrics"]
    assert results[0]["validation"] == results[1]["validation"]
    assert results[0]["warnings"] == results[1]["warnings"]
    assert results[0]["status"] == results[1]["status"] == "complete"


def straight_run(tmp_path_factory, launch, *arguments) -> Path:
    """Return the directory of a run that went through without a stop."""
    folder = tmp_path_factory.mktemp("straight")
    process, _ = launch(folder, *arguments, "name=straight")
    process.join()
    assert process.exitcode == 0
    (found,) = folder.glob("outputs/*/*/straight")
    return found

"""Whole runs on a device that is not the CPU: nothing is left behind, and what is computed is the same to the bit."""

import pytest
import torch

from tests.golden.record import deviations, perform
from tests.golden.runs import RUNS
from tests.slow import slow_if
from tests.training.second_device import second_device

NOT_MIXED = [name for name in RUNS if "runtime.precision=bf16" not in RUNS[name]]
"""The second device knows no mixed precision."""

ONE_OF_EACH = (
    "transductive",
    "aligned_vae",
    "hybrid",
    "aae_adam",
    "a_icarl",
    "prototype_contrast",
)
"""One of each way to measure, short ones: the others are left to the long tests, their steps are tested alone."""

OTHERS = RUNS.keys() - ONE_OF_EACH

CONVOLVED = ("prototype_contrast", "prototype_contrast_released", "mask_supervision")
"""Away from the CPU torch lays convolutions out in another way, and the last digits differ."""


def on_second_device(name, tmp_path):
    torch.set_num_threads(1)
    return perform(name, tmp_path, within=second_device())


@pytest.mark.parametrize("name", slow_if(OTHERS, [name for name in NOT_MIXED if name not in CONVOLVED]))
@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")
def test_a_run_keeps_its_bits(name, tmp_path):
    assert deviations(name, on_second_device(name, tmp_path)) == []


@pytest.mark.parametrize("name", slow_if(OTHERS, CONVOLVED))
@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")
def test_a_run_with_convolutions_keeps_its_metrics(name, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir(), there.mkdir()
    expected, found = perform(name, here), on_second_device(name, there)
    assert found["first"] == pytest.approx(expected["first"], rel=1e-5)
    assert found["test"] == pytest.approx(expected["test"], abs=0.5)

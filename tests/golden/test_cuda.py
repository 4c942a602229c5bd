"""Whole runs on CUDA: replayed steps leave behind what steps taken operation by operation do, and figures are drawn."""

import pytest
import torch

from tests.golden.record import perform
from tests.golden.runs import RUNS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


@pytest.mark.parametrize("name", RUNS)
def test_a_run_ends_with_the_same_bits_with_graphs_and_without(name, tmp_path):
    found = []
    for capture, figures in (("auto", "true"), ("never", "false")):
        folder = tmp_path / capture
        folder.mkdir()
        overrides = ("runtime=cuda", f"runtime.capture={capture}", f"tracker.figures={figures}")
        found.append(perform(name, folder, overrides=overrides))
    assert found[0] == found[1]

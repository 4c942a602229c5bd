"""No bit of any training procedure changes unnoticed; `python -m tests.golden write` where one has to."""

import warnings

import pytest
import torch

from tests.golden.record import deviations, known, perform, processor
from tests.golden.runs import RUNS
from zsl_runner.config.registry import schemas
from zsl_runner.config.store import register


@pytest.mark.parametrize("name", RUNS)
def test_a_run_keeps_its_bits(name, tmp_path):
    torch.set_num_threads(1)
    if processor() not in known():
        warnings.warn(f"{processor()} has no golden records: compared to 1e-6 with those of others", stacklevel=1)
    assert deviations(name, perform(name, tmp_path)) == []


def test_every_record_holds_every_run():
    records = known()
    assert records
    assert all(set(runs) == set(RUNS) for runs in records.values())


def test_every_training_procedure_has_a_run():
    register()
    for runs in known().values():
        assert {record["trainer"] for record in runs.values()} == set(schemas("trainer"))

"""A run that was begun on one kind of device is opened, and goes on, on another, whose generators have other states."""

import contextlib

import numpy as np
import pytest

from tests.golden.runs import QUIET, RUNS
from tests.slow import slow_if
from tests.small_runs import SMALL, config_of, finished, stopped, warned
from tests.training.second_device import second_device
from zsl_runner.runs.attempt import resume
from zsl_runner.runs.opened import open_run
from zsl_runner.runs.result import Result

STOP = 10
"""A step of the first stage's second phase."""


@contextlib.contextmanager
def here():
    yield


@pytest.mark.parametrize(
    ("first", "second"), slow_if([(here, second_device)], [(here, second_device), (second_device, here)])
)
@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")
def test_a_run_goes_on_on_another_device_and_says_that_it_draws_other_numbers(first, second, tmp_path, caplog):
    with first():
        directory = stopped(tmp_path, STOP)
    with second():
        resume(directory, config_of(tmp_path, *SMALL))
    result = Result.load(directory)
    assert result.status == "complete"
    assert [told.startswith("resumed with device ") for told in warned(directory)] == [True]
    (said,) = [line for line in caplog.messages if "draws other random numbers" in line]
    assert "noise" in said
    assert "host:" not in said


@pytest.mark.parametrize("capture", ["auto", "always"])
def test_a_run_of_another_device_is_opened(tmp_path, capture):
    with second_device():
        directory = stopped(tmp_path, STOP)
    config = directory / "config.yaml"
    config.write_text(config.read_text().replace("capture: auto", f"capture: {capture}"))
    assert f"capture: {capture}" in config.read_text()
    assert not open_run(directory, device="cpu").complete


def made_by(run):
    """Return what an opened run makes: features of classes, codes, images of drawn codes, label maps."""
    if run.config.model.kind == "sgal":
        return [run.generate(["class_002", "class_001"], 3)]
    if run.config.model.kind == "class_maps":
        return [block.labels.cpu().numpy() for of_training in (False, True) for block in run.label_maps(of_training)]
    images = [block.images.cpu().numpy() for block in run.samples(3)]
    return images + [part.cpu().numpy() for part in run.codes().values.values()]


@pytest.mark.parametrize("name", slow_if(["prototype_contrast"], ["em", "aae_adam", "prototype_contrast"]))
@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")
def test_an_opened_run_makes_the_same_on_another_device(name, tmp_path):
    settings = list(SMALL) if name == "em" else [*RUNS[name], *QUIET, "runtime.device=cpu"]
    directory = finished(tmp_path, *settings, *(["dataset.cache=null"] if name == "prototype_contrast" else []))
    expected = made_by(open_run(directory, device="cpu"))
    with second_device():
        found = made_by(open_run(directory))
    for here_, there in zip(expected, found, strict=True):
        assert np.array_equal(here_, there)

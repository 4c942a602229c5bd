"""The first weights of a stage: of a file, whole or the backbone alone, and what is refused."""

import pytest
import torch

from tests.tagged import network, tagged_fold
from tests.weights import same, weights_of
from zsl_runner.errors import CheckpointError
from zsl_runner.runs.initial import initialise


@pytest.fixture(scope="module")
def shape():
    return tagged_fold().train.shape


def saved(path, tensors):
    torch.save(tensors, path)
    return path


def test_all_tensors_of_a_file(shape, tmp_path):
    one, other = network(shape, seed=0), network(shape, seed=1)
    initialise(other, saved(tmp_path / "w.pt", one.state_dict()))
    assert same(one.state_dict(), other.state_dict())


def test_what_a_file_leaves_out_beside_the_backbone_stays_random(shape, tmp_path):
    one, other, untouched = network(shape, seed=0), network(shape, seed=1), network(shape, seed=1)
    backbone = {name: value for name, value in one.state_dict().items() if name.startswith("backbone.")}
    initialise(other, saved(tmp_path / "w.pt", backbone))
    assert same(untouched.state_dict() | backbone, other.state_dict())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda tensors: tensors.pop("backbone.layers.0.0.weight"), "missing: backbone.layers.0.0.weight"),
        (lambda tensors: tensors.update(other=torch.zeros(1)), "unknown to the model: other"),
        (lambda tensors: tensors.update({0: torch.zeros(1), "x": torch.zeros(1)}), "unknown to the model: 0, x"),
        (
            lambda tensors: tensors.update({"classes.weight": torch.zeros(3, 10, 1, 1)}),
            r"classes.weight: expected the shape \(11, 10, 1, 1\) of the model, found \(3, 10, 1, 1\)",
        ),
        (lambda tensors: tensors.update(step=3), "expected a dictionary of tensors, found something else"),
    ],
)
def test_files_that_do_not_fit(change, expected, shape, tmp_path):
    tensors = network(shape).state_dict()
    change(tensors)
    model = network(shape, seed=1)
    before = weights_of(model)
    with pytest.raises(CheckpointError, match=rf"w\.pt: .*{expected}"):
        initialise(model, saved(tmp_path / "w.pt", tensors))
    assert same(before, model.state_dict())


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"])
def test_files_that_are_no_weights(content, shape, tmp_path):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"w\.pt: expected a dictionary of tensors by torch.save"):
        initialise(network(shape), tmp_path / "w.pt")


def test_a_folder_that_is_no_run(shape, tmp_path):
    with pytest.raises(CheckpointError, match="expected the directory of a run, found no checkpoint"):
        initialise(network(shape), tmp_path)

import pytest

from zsl_runner.config.hashes import config_hash

CONFIG = {
    "seed": 0,
    "outputs": "outputs",
    "model": {"kind": "sgal", "layers": [1, 2]},
    "dataset": {"root": "/a", "feature_scaling": "none"},
    "runtime": {"device": "cpu", "precision": "fp32"},
    "tracker": {"figures": True},
}


def changed(path, value):
    group, _, key = path.partition(".")
    return CONFIG | {group: CONFIG[group] | {key: value} if key else value}


@pytest.mark.parametrize(
    ("path", "value"),
    [("seed", 1), ("outputs", "x"), ("dataset.root", "/b"), ("runtime.device", "cuda"), ("tracker.figures", False)],
)
def test_bookkeeping_does_not_change_the_hash(path, value):
    assert config_hash(changed(path, value)) == config_hash(CONFIG)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.kind", "vzsl"),
        ("model.layers", [2, 1]),
        ("dataset.feature_scaling", "l2"),
        ("runtime.precision", "bf16"),
    ],
)
def test_everything_else_changes_it(path, value):
    assert config_hash(changed(path, value)) != config_hash(CONFIG)


def test_the_order_of_keys_does_not_matter():
    assert config_hash(dict(reversed(CONFIG.items()))) == config_hash(CONFIG)

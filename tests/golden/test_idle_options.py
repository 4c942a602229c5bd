"""What is told to have no effect has none: runs with all such options changed end with the bits of those without."""

import dataclasses
from functools import cache

import pytest
import torch

from tests.golden.record import perform
from tests.golden.runs import QUIET, RUNS
from tests.loaded import ours
from zsl_runner.config.check import check
from zsl_runner.config.schema import GROUPS
from zsl_runner.config.words import rules, shapes


def values(block, prefix):
    """Yield (key, value, shape, rule) of all options of a block."""
    shape, rule = shapes(type(block)), rules(type(block))
    for field in dataclasses.fields(block):
        key, value = f"{prefix}.{field.name}", getattr(block, field.name)
        if dataclasses.is_dataclass(value):
            yield from values(value, key)
        elif field.name not in ("kind", "name"):
            yield key, value, shape[field.name], rule[field.name]


def others(value, shape, rule):
    """Yield values that an option may have besides the one that it has, as they are written on the command line."""
    if shape.container != "value":
        if value and shape.item in (int, float):
            yield "[" + ",".join(str(entry / 2 if shape.item is float else entry + 1) for entry in value) + "]"
    elif rule.choices is not None:
        yield from (str(choice) for choice in rule.choices if choice != value)
    elif shape.item is bool:
        yield str(not value).lower()
    elif shape.item is int:
        yield from (str(number) for number in ((value or 0) + 1, 2))
    elif shape.item is float:
        yield from (str(number) for number in (value / 2 if value else 0.5, 0.01))


OF_AN_IDLE_NETWORK = {"model.unseen_critic", "model.attribute_hidden"}
"""Idle options of a network that nothing trains: whether it is there, its width; a run's record is of all weights."""
MORE = {
    "em_without_rollback": (
        "em",
        ["trainer.em.rollback_every=null", "model.margin.weight=0", "model.prior.hidden=[8]"],
    ),
    "em_without_generated_rows": ("em", ["trainer.em.gen_ratio=0", "trainer.em.gen_ratio_jitter=0"]),
    "em_without_em": ("em", ["trainer.em.iterations=0"]),
    "em_without_learning_priors": ("em", ["trainer.em.train_prior=false", "trainer.pretrain_steps=0"]),
    "em_final": ("em", ["evaluator.stages=[final]", "evaluator.calibration=none"]),
    "feature_gan_final": ("feature_gan", ["evaluator.stages=[final]", "evaluator.calibration=none"]),
    "em_sgd": ("em", ["trainer.optim.algorithm=sgd", "model.encoder.batch_norm=false", "model.encoder.dropout=0"]),
    "seen_only_shallow": ("seen_only", ["model.encoder.hidden=[]", "model.decoder.hidden=[]"]),
    "transductive_without_steps": ("transductive", ["trainer.steps=0"]),
    "cpe": (
        "feature_gan_transductive",
        ["trainer.class_prior=cpe", "trainer.prior_classifier.synthetic_per_class_zsl=4"],
    ),
    "inductive": (
        "feature_gan_transductive",
        ["trainer.mode=inductive", "trainer.class_prior=uniform", "trainer.warmup_epochs=0"],
    ),
    "without_reconstruction": ("feature_gan", ["model.weights.reconstruction=0"]),
    "without_guess": ("hybrid", ["model.recurrent=false"]),
    "standard_prior": ("hybrid", ["model.prior=standard"]),
    "segmentation_without_guess": ("segmentation", ["model.recurrent=false", "evaluator.hidden_side=0"]),
    "segmentation_of_eleven": ("segmentation", ["dataset.classes=11"]),
    "aae_without_labels": ("aae_adam", ["model.labels=none", "evaluator.select_metric=val/reconstruction"]),
    "aae_simplex": (
        "aae_paper",
        ["model.latent_dim=16", "model.code=sum", "model.heads.placement=simplex", "evaluator.parzen.samples=0"],
    ),
    "gdnn": ("hybrid", ["trainer=nn", "trainer.epochs=1"]),
    "continuous": ("capacity", ["model.discrete=[]"]),
    "discrete": ("capacity", ["model.continuous=0"]),
    "ewc_without_pull": ("a_ewc", ["trainer.weight=0", "trainer.auxiliary_weight=0"]),
    "ewc_among_all": ("a_ewc", ["trainer.scenario=cil"]),
    "lwf_without_pull": ("a_lwf", ["trainer.weight=0", "trainer.auxiliary_weight=0"]),
    "classify_alone": ("prototype_contrast", ["trainer.contrast.steps=0"]),
    "without_intra": ("prototype_contrast", ["trainer.weights.intra=0"]),
    "without_contrasts": (
        "prototype_contrast",
        ["trainer.weights.intra=0", "trainer.weights.cross_prototype=0", "trainer.weights.cross_map=0"],
    ),
    "nothing_compared": (
        "prototype_contrast",
        ["trainer.weights={equivariance: 0, refinement: 0, cross_prototype: 0, cross_map: 0, intra: 0}"],
    ),
}
"""Recorded runs with more options off, by a name of their own."""
CASES = RUNS | {name: [*RUNS[base], *changes] for name, (base, changes) in MORE.items()}


def checked(name, *overrides):
    return check(ours(), [*CASES[name], *QUIET, *overrides], strictly=False)


def keys_of(overrides):
    return {override.partition("=")[0] for override in overrides}


@cache
def idle_overrides(name, among=None):
    """Return overrides that are told to do nothing and may be given together, one for each such option of a run.

    Args:
        name: of the run.
        among: the options to try; None for all.
    """
    config = checked(name).accepted()
    found = []
    for group in GROUPS:
        for key, value, shape, rule in values(getattr(config, group), group):
            for other in others(value, shape, rule) if among is None or key in among else ():
                verdict = checked(name, *found, f"{key}={other}")
                if verdict.config is not None:
                    found += [f"{key}={other}"] if any(option.key == key for option in verdict.idle) else []
                    break
    return found


def test_options_without_effect_are_found():
    idle = {
        "model.attribute_hidden",
        "model.weights.unseen_critic",
        "trainer.prior_classifier.epochs",
        "trainer.seen_classifier.batch_size",
        "dataset.nuisance_scale",
    }
    with_effect = {"model.hidden", "model.weights.generator", "trainer.batch_size", "dataset.width"}
    assert keys_of(idle_overrides("feature_gan", frozenset(idle | with_effect))) == idle


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_options_without_effect_have_none(name, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    overrides = idle_overrides(name)
    if name in MORE:
        assert keys_of(overrides) - keys_of(idle_overrides(MORE[name][0]))
    assert {option.key for option in checked(name, *overrides).idle} >= keys_of(overrides)
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    monkeypatch.setitem(RUNS, name, CASES[name])
    without = perform(name, tmp_path / "without")
    trained = [override for override in overrides if keys_of([override]).isdisjoint(OF_AN_IDLE_NETWORK)]
    monkeypatch.setitem(RUNS, name, [*CASES[name], *trained])
    assert perform(name, tmp_path / "with") == without

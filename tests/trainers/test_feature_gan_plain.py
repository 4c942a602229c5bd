"""The trainer's iterations equal the same iterations written plainly, to rounding in double precision."""

import copy
import dataclasses
import shutil

import numpy as np
import pytest
import torch

from tests.references.feature_gan import PlainFeatureGAN
from tests.weights import differing, weights_of
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.sections import RuntimeConf
from zsl_runner.models.feature_gan.conf import FeatureGANConf, PenaltyConf, PerturbationConf, WeightsConf
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.streams import Streams
from zsl_runner.trainers.feature_gan.conf import FeatureGANTrainerConf
from zsl_runner.trainers.feature_gan.trainer import FeatureGANTrainer
from zsl_runner.training.runtime import Runtime

SPHERE = {"feature_scaling": "l2", "radius": 2.0, "semantic_scaling": "l2"}
UNIT = {"feature_scaling": "minmax", "semantic_scaling": "l2"}
TRAINER = FeatureGANTrainerConf(
    mode="transductive",
    batch_size=16,
    critic_steps=3,
    regressor_every=2,
    regressor_steps=2,
    optim=OptimizerConf(algorithm="adamw", lr=1e-3, betas=[0.5, 0.999], weight_decay=0.01),
)
BI_VAEGAN = FeatureGANConf(
    hidden=16,
    attribute_hidden=8,
    init_deviation=0.2,
    output="projection",
    encoder="batch_norm",
    unseen_critic="unconditional",
    regressor="level_1",
    attribute_critic=True,
    penalty=PenaltyConf(attribute_projection="features"),
    perturbation=PerturbationConf(critic=0.1),
)
F_VAEGAN = FeatureGANConf(hidden=16, init_deviation=0.2, encoder="two_layer", reconstruction="bce")
TF_VAEGAN = dataclasses.replace(
    F_VAEGAN, encoded_noise=True, regressor="joint", regressor_learns_from_generated=True, feedback_loop=True
)
F_CLSWGAN = FeatureGANConf(hidden=16, init_deviation=0.2, output="relu", weights=WeightsConf(classification=0.1))


@pytest.fixture
def in_double_precision():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def build(make_context, records, in_double_precision):
    """Return what builds a trainer and the plain version of it, both at the same start."""
    exact = dataclasses.replace(
        records,
        features=records.features.astype(np.float64),
        class_vectors=records.class_vectors.astype(np.float64),
    )

    def build(model_conf, conf=TRAINER, compiled=False):
        options = SPHERE if model_conf.output == "projection" else UNIT
        context, _ = make_context(exact, conf, model_conf, FeatureGAN, unlabelled=conf.sees_unlabelled(), **options)
        context.runtime = Runtime(RuntimeConf(device="cpu", deterministic=False, compile=compiled))
        trainer = FeatureGANTrainer(conf, context)
        trainer.model.double()
        trainer.model.seen_classifier_weight.normal_(generator=context.streams["seen_classifier"])
        plain = PlainFeatureGAN(conf, copy.deepcopy(trainer.model), context.data, Streams(context.streams.seed))
        return trainer, plain

    return build


def assert_equal_steps(trainer, plain, steps, transductive):
    (phase,) = (phase for phase in trainer.phases() if phase.name == ("transductive" if transductive else "inductive"))
    before = weights_of(trainer)
    for _ in range(steps):
        phase.step()
        plain.step(transductive)
    expected = plain.model.state_dict()
    for name, value in trainer.model.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-9, atol=1e-9, msg=name)
    moved = {name.split(".")[0] for name in differing(before, expected)}
    for name, weight in trainer.critics.state_dict().items():
        assert weight.item() == pytest.approx(plain.penalty_weights[name], rel=1e-12)
    return moved


@pytest.mark.parametrize("unseen_critic", ["unconditional", "pseudo_conditional"])
@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("encoded_noise", [False, True])
@pytest.mark.parametrize("output", ["projection", "sigmoid"])
def test_bi_vaegan_transductive(build, output, encoded_noise, adaptive, unseen_critic):
    conf = dataclasses.replace(
        BI_VAEGAN,
        output=output,
        encoded_noise=encoded_noise,
        penalty=PenaltyConf(adaptive=adaptive, attribute_projection="features" if output == "projection" else "unit"),
        unseen_critic=unseen_critic,
    )
    trainer, plain = build(conf)
    assert assert_equal_steps(trainer, plain, 5, True) == set(trainer.model.networks())


@pytest.mark.parametrize(
    "change",
    [
        {"penalty": PenaltyConf(attribute_projection="none")},
        {"perturbation": PerturbationConf()},
        {"attribute_critic": False},
        {"unseen_critic": "none"},
        {"regression_loss": "mse_published", "reconstruction": "squared_published"},
    ],
)
def test_bi_vaegan_with_other_switches(build, change):
    trainer, plain = build(dataclasses.replace(BI_VAEGAN, **change))
    assert assert_equal_steps(trainer, plain, 3, True) == set(trainer.model.networks())


INDUCTIVE = dataclasses.replace(TRAINER, mode="inductive")


@pytest.mark.parametrize("encoded_noise", [False, True])
def test_bi_vaegan_inductive(build, encoded_noise):
    trainer, plain = build(dataclasses.replace(BI_VAEGAN, encoded_noise=encoded_noise), INDUCTIVE)
    still = {"unseen_critic", "attribute_critic"}
    assert assert_equal_steps(trainer, plain, 5, False) == set(trainer.model.networks()) - still


@pytest.mark.parametrize("transductive", [False, True])
@pytest.mark.parametrize("encoded_noise", [False, True])
def test_f_vaegan(build, encoded_noise, transductive):
    conf = dataclasses.replace(
        F_VAEGAN, encoded_noise=encoded_noise, unseen_critic="unconditional" if transductive else "none"
    )
    trainer, plain = build(conf, TRAINER if transductive else INDUCTIVE)
    assert assert_equal_steps(trainer, plain, 5, transductive) == set(trainer.model.networks())


def test_f_clswgan(build):
    trainer, plain = build(F_CLSWGAN, INDUCTIVE)
    assert assert_equal_steps(trainer, plain, 5, False) == {"generator", "critic"}


@pytest.mark.parametrize(
    ("change", "conf"),
    [
        ({}, INDUCTIVE),
        ({"encoded_noise": False}, INDUCTIVE),  # FLO
        ({"regressor_learns_from_generated": False}, INDUCTIVE),  # AWA2
        ({"unseen_critic": "unconditional"}, TRAINER),
        ({"unseen_critic": "pseudo_conditional"}, TRAINER),
        ({"unseen_critic": "unconditional", "encoded_noise": False}, TRAINER),
    ],
)
def test_tf_vaegan_in_both_loops(build, change, conf):
    trainer, plain = build(dataclasses.replace(TF_VAEGAN, **change), conf)
    steps = trainer.clock.steps_in_epoch // 2 + 3
    assert assert_equal_steps(trainer, plain, steps, conf is TRAINER) == set(trainer.model.networks())


def test_a_regressor_that_learns_in_a_block_gives_each_critic_step_its_own_pseudo_conditions(build):
    conf = dataclasses.replace(TF_VAEGAN, unseen_critic="pseudo_conditional", feedback_loop=False)
    trainer, plain = build(conf)
    assert assert_equal_steps(trainer, plain, 2, True) == set(trainer.model.networks())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for CPUs with g++")
def test_compiled_generator_steps(build):
    trainer, plain = build(dataclasses.replace(BI_VAEGAN, encoded_noise=True), compiled=True)
    assert assert_equal_steps(trainer, plain, 3, True) == set(trainer.model.networks())
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0

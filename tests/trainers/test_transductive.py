import dataclasses

import numpy as np
import pytest
import torch

from tests.weights import same, weights_of
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.errors import DataError
from zsl_runner.models.sgal.model import SGAL
from zsl_runner.models.vzsl.conf import VZSLConf
from zsl_runner.models.vzsl.model import VZSL
from zsl_runner.trainers.transductive.conf import TransductiveTrainerConf
from zsl_runner.trainers.transductive.trainer import TransductiveTrainer

CONF = TransductiveTrainerConf(
    batch_size=16, target_batch_size=32, warmup_steps=5, steps=10, optim=OptimizerConf(lr=1e-2)
)
VZSL_CONF = dataclasses.replace(VZSLConf(), latent_dim=4)


def train(context):
    trainer = TransductiveTrainer(CONF, context)
    reports = [phase.step() for phase in trainer.phases() for _ in range(phase.steps)]
    return weights_of(context), reports


def build(make_context, records):
    return make_context(records, CONF, VZSL_CONF, VZSL, unlabelled=True)[0]


def test_shuffled_test_labels_leave_the_weights_bit_identical(records, make_context):
    labels = records.labels.copy()
    labels[records.test_unseen] = np.random.default_rng(4).permutation(labels[records.test_unseen])
    first, _ = train(build(make_context, records))
    second, _ = train(build(make_context, dataclasses.replace(records, labels=labels)))
    assert same(first, second)


def test_unlabelled_rows_reach_the_weights(records, make_context):
    features = records.features.copy()
    features[records.test_unseen] += 1
    first, _ = train(build(make_context, records))
    second, _ = train(build(make_context, dataclasses.replace(records, features=features)))
    assert not same(first, second)


def test_target_terms_are_weighted_and_named(records, make_context):
    _, reports = train(build(make_context, records))
    assert not any(name.startswith("target_") for name in reports[0].terms)
    assert any(name.startswith("target_") for name in reports[-1].terms)
    terms = {name: value for name, value in reports[-1].terms.items() if name != "loss"}
    assert torch.stack(list(terms.values())).sum().item() == pytest.approx(reports[-1].terms["loss"].item(), rel=1e-5)


def test_the_target_weight_is_a_factor_of_the_target_terms_alone(records, make_context):
    found = []
    for weight in (1.0, 0.25):
        conf = dataclasses.replace(CONF, warmup_steps=0, target_weight=weight)
        context = make_context(records, conf, VZSL_CONF, VZSL, unlabelled=True)[0]
        found.append(TransductiveTrainer(conf, context).phases()[0].step().terms)
    whole, quarter = found
    assert {"target_reconstruction", "target_sharpening", "reconstruction"} <= whole.keys()
    for name in whole.keys() - {"loss"}:
        factor = 0.25 if name.startswith("target_") else 1.0
        torch.testing.assert_close(quarter[name], factor * whole[name], msg=name)


def test_refuses_a_model_or_data_it_cannot_use(records, make_context, small_sgal):
    context, _ = make_context(records, CONF, small_sgal(), SGAL, unlabelled=True)
    with pytest.raises(TypeError, match="no terms for unlabelled rows"):
        TransductiveTrainer(CONF, context)
    context, _ = make_context(records, CONF, VZSL_CONF, VZSL)
    with pytest.raises(ValueError, match="unlabelled pool"):
        TransductiveTrainer(CONF, context)


def test_a_single_unlabelled_row_is_refused_where_a_batch_norm_needs_two(records, make_context):
    lone = dataclasses.replace(records, test_unseen=records.test_unseen[:1])
    train(build(make_context, lone))
    normed = dataclasses.replace(VZSL_CONF, encoder=dataclasses.replace(VZSL_CONF.encoder, batch_norm=True))
    context, _ = make_context(lone, CONF, normed, VZSL, unlabelled=True)
    with pytest.raises(DataError, match="two rows or more; found 1 unlabelled row"):
        TransductiveTrainer(CONF, context)


def test_the_result_tells_that_no_unlabelled_row_was_seen(records, make_context):
    """A length that `evaluator.select=val` chose may end before the phase that the trainer has its name from."""
    trainer = TransductiveTrainer(CONF, build(make_context, records))
    warmup, transductive = trainer.phases()
    for _ in range(warmup.steps):
        warmup.step()
    (warning,) = trainer.warnings()
    assert "within the 5 steps on seen classes alone: no unlabelled row was seen" in warning
    transductive.step()
    assert trainer.warnings() == []
    resumed = TransductiveTrainer(CONF, build(make_context, records))
    resumed.load_state_dict(trainer.state_dict())
    assert resumed.warnings() == []

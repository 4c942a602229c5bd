import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from tests.training.emulated_graph import EmulatedGraph
from tests.weights import differing, same, weights_of
from tests.zero_shot import zero_shot_folds
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.errors import DataError, RunError
from zsl_runner.models.networks import Dropout
from zsl_runner.models.vzsl.conf import VZSLConf, VZSLMLPConf
from zsl_runner.models.vzsl.model import VZSL
from zsl_runner.trainers.em.conf import EMConf, EMTrainerConf
from zsl_runner.trainers.em.mixture import batch_composition, class_balanced_weights
from zsl_runner.trainers.em.trainer import EMTrainer
from zsl_runner.trainers.seen_only.conf import MatchedBudgetConf, SeenOnlyTrainerConf
from zsl_runner.trainers.seen_only.trainer import SeenOnlyTrainer


def em_conf(pretrain_steps=0, lr=1e-3, batch_size=16, **em):
    return EMTrainerConf(
        batch_size=batch_size,
        pretrain_steps=pretrain_steps,
        em=EMConf(**({"iterations": 10, "rollback_every": None} | em)),
        optim=OptimizerConf(lr=lr),
    )


def train(trainer):
    rows = 0
    for phase in trainer.phases():
        if phase.begin:
            phase.begin()
        for _ in range(phase.steps):
            rows += phase.step().real_rows
    return rows


@pytest.mark.parametrize(("ratio", "rows"), [(0.85, (10, 54)), (0.90, (6, 58)), (0.95, (3, 61))])
def test_batch_composition_of_the_released_code(ratio, rows):
    assert batch_composition(64, ratio) == rows


def test_a_mixed_batch_holds_real_rows_then_all_copies_of_the_draws(records, make_context):
    conf = em_conf(batch_size=64, gen_ratio=0.9, gen_ratio_jitter=0.0, copies=5, real_step_prob=0.0)
    context, _ = make_context(records, conf)
    report = EMTrainer(conf, context).phases()[0].step()
    labels = report.batch["labels"]
    unseen = torch.isin(labels, context.data.unseen_classes)
    assert len(labels) == 6 + 5 * 58
    assert report.real_rows == 6
    assert not unseen[:6].any()
    assert unseen[6:].all()
    assert torch.equal(labels[6:64], labels[64:122])


def test_jitter_spans_the_ratios_around_the_middle(records, make_context):
    conf = em_conf(batch_size=64, real_step_prob=0.0, copies=1, iterations=300)
    context, _ = make_context(records, conf)
    trainer = EMTrainer(conf, context)
    counts = {trainer.phases()[0].step().real_rows for _ in range(300)}
    assert counts == set(range(3, 11))


def test_a_single_row_is_refused_where_a_batch_norm_needs_two(records, make_context, small_sgal):
    lone = dataclasses.replace(records, trainval=records.trainval[:1])
    conf = em_conf(pretrain_steps=2, iterations=2)
    with pytest.raises(DataError, match=r"two rows or more; found 1 training row .* choose batch_norm=false"):
        EMTrainer(conf, make_context(lone, conf)[0])
    plain = small_sgal()
    for network in (plain.encoder, plain.decoder, plain.prior):
        network.batch_norm = False
    assert train(EMTrainer(conf, make_context(lone, conf, plain)[0])) > 0


def test_learning_rate_zero_moves_no_parameter(records, make_context):
    conf = em_conf(lr=0.0)
    context, _ = make_context(records, conf)
    before = {name: p.detach().clone() for name, p in context.model.named_parameters()}
    train(EMTrainer(conf, context))
    assert same(before, dict(context.model.named_parameters()))


@pytest.mark.parametrize("statistics", ["mixed", "real"])
def test_batch_norm_at_learning_rate_zero(records, make_context, statistics):
    """Mixed batches move the statistics that test rows are scaled by, and hence scores; else all stays as it is."""
    conf = em_conf(pretrain_steps=30, iterations=40, lr=0.0, real_step_prob=0.0, norm_statistics=statistics)
    context, fold = make_context(records, conf)
    trainer, model, kept = EMTrainer(conf, context), context.model, statistics == "real"
    x = fold.evaluation.seen.take(torch.arange(len(fold.evaluation.seen)))

    def scores():
        with torch.no_grad():
            return model.eval().class_scores(x, context.data.class_vectors)

    seen, em = trainer.phases()
    for _ in range(seen.steps):
        seen.step()
    before, weights, parameters = scores(), weights_of(model), dict(model.named_parameters())
    for _ in range(em.steps):
        em.step()
    moved = differing(weights, weights_of(model))
    assert moved.isdisjoint(parameters)
    assert any("running_mean" in name for name in moved) != kept
    assert not (kept and moved)
    assert torch.equal(before, scores()) == kept


def test_real_statistics_follow_steps_on_real_rows_alone(records, make_context):
    """The mixed step of an iteration leaves them where its real step put them."""
    schedule = {"iterations": 1, "real_step_prob": 1.0, "gen_ratio_jitter": 0.0, "norm_statistics": "real"}
    for ratio in (0.9, 0.0):
        conf = em_conf(lr=0.0, gen_ratio=ratio, **schedule)
        alone, whole = (EMTrainer(conf, make_context(records, conf)[0]) for _ in range(2))
        alone.model.set_prior_dropout(0.0)
        alone.seen_step.compute(alone._draw().alone)
        train(whole)
        assert same(weights_of(alone), weights_of(whole)) == (ratio > 0)


def test_without_generated_rows_em_is_continued_pretraining(records, make_context):
    conf = em_conf(gen_ratio=0.0, gen_ratio_jitter=0.0, real_step_prob=0.0, train_prior_dropout=None)
    context, _ = make_context(records, conf)
    train(EMTrainer(conf, context))
    plain = SeenOnlyTrainerConf(batch_size=16, steps=10, optim=OptimizerConf(lr=1e-3))
    other, _ = make_context(records, plain)
    train(SeenOnlyTrainer(plain, other))
    assert same(weights_of(context), weights_of(other))


def test_generated_rows_are_constants_for_the_gradient(records, make_context):
    conf = em_conf()
    context, _ = make_context(records, conf)
    trainer = EMTrainer(conf, context)
    x, _ = trainer._expectation(trainer._classes(8))
    assert not x.requires_grad


def test_the_loss_of_vzsl_has_a_floor_also_on_generated_rows(records, make_context):
    """At lambda = 1 divergence and margin are a cross-entropy, if every row's class is among those of the margin."""
    conf = em_conf(pretrain_steps=20, iterations=100, lr=0.1)
    small = VZSLConf(latent_dim=4, encoder=VZSLMLPConf(hidden=[]), decoder=VZSLMLPConf(hidden=[]), output_init=None)
    context, _ = make_context(records, conf, small, VZSL)
    seen, em = EMTrainer(conf, context).phases()
    reports = [phase.step() for phase in (seen, em) for _ in range(phase.steps)]
    assert min((report.terms["kl"] + report.terms["margin"]).item() for report in reports) >= -1e-4


def test_the_loss_is_told_of_the_classes_that_rows_of_a_batch_may_be_of(records, make_context):
    conf = em_conf(pretrain_steps=1, iterations=20, gen_ratio=0.05, batch_size=16)
    context, _ = make_context(records, conf)
    data, calls = context.data, []
    trainer = EMTrainer(conf, context)
    minimised = trainer.seen_step._loss_terms
    trainer.seen_step._loss_terms = lambda *batch: calls.append((batch[1], batch[3])) or minimised(*batch)
    train(trainer)
    every = torch.arange(9)
    generated = [torch.isin(labels, data.unseen_classes).any().item() for labels, _ in calls]
    assert {True, False} == set(generated[1:])
    for (_, classes), some in zip(calls, generated, strict=True):
        assert torch.equal(classes, every if some else data.labelled_classes)


@pytest.mark.parametrize("switch", [{"gen_noise": 0.1}, {"decoder_dropout": True}, {"prior_dropout": True}])
def test_each_switch_of_generation_changes_the_generated_rows(records, make_context, switch):
    found = []
    for options in ({}, {}, switch):
        conf = em_conf(**({"decoder_dropout": False, "train_prior_dropout": None} | options))
        trainer = EMTrainer(conf, make_context(records, conf)[0])
        found.append(trainer._expectation(trainer._classes(8))[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_class_draws_are_uniform_over_the_unseen_classes(records, make_context):
    conf = em_conf(copies=1)
    context, _ = make_context(records, conf)
    labels = EMTrainer(conf, context)._classes(30_000)
    assert chisquare(torch.bincount(labels)[context.data.unseen_classes].numpy()).pvalue > 0.001
    assert not torch.isin(labels, context.data.labelled_classes).any()


def test_an_iteration_with_a_single_class_draw_can_be_captured(records, make_context):
    conf = em_conf(gen_ratio=1 / 16, gen_ratio_jitter=0.0, copies=2)
    context, _ = make_context(records, conf)
    step = EMTrainer(conf, context).phases()[0].step
    drawn = step.draw()
    assert drawn.draws == 1
    step.compute(drawn)  # makes the moments
    EmulatedGraph().capture(lambda: step.compute(drawn), context.streams.on_device())


def test_class_draws_by_test_frequency_follow_the_leaked_prior(records, make_context):
    unbalanced = dataclasses.replace(
        records, test_unseen=records.test_unseen[[*range(5), *range(30, 60), *range(60, 75)]]
    )
    conf = em_conf(copies=1, class_draw="test_frequency")
    assert conf.prior_source() == "known"
    context, _ = make_context(unbalanced, conf, known_prior=True)
    labels = EMTrainer(conf, context)._classes(30_000)
    counts = torch.bincount(labels)[context.data.unseen_classes].numpy()
    assert chisquare(counts, 30_000 * np.array([5, 30, 15]) / 50).pvalue > 0.001


def test_current_parameters_generate_unless_a_frozen_copy_is_kept(records, make_context):
    drawn = {}
    for every in (1, 4):
        conf = em_conf(refresh_every=every, real_step_prob=0.0, lr=0.1)
        context, _ = make_context(records, conf)
        trainer = EMTrainer(conf, context)
        generators = []
        for _ in range(8):
            trainer.phases()[0].step()
            generators.append(
                None if trainer.frozen is None else weights_of(dataclasses.replace(context, model=trainer.frozen))
            )
        drawn[every] = generators
    assert drawn[1] == [None] * 8
    frozen = drawn[4]
    assert all(same(frozen[i], frozen[0]) for i in range(4))
    assert all(same(frozen[i], frozen[4]) for i in range(4, 8))
    assert not same(frozen[3], frozen[4])


def test_a_copy_is_renewed_in_its_turn_though_the_mixed_batch_has_no_generated_rows(records, make_context):
    """At a small ratio a batch may hold none; the copy of the next ones must not be of the untrained weights."""
    conf = em_conf(refresh_every=5, gen_ratio=0.0, gen_ratio_jitter=0.0, real_step_prob=0.0, lr=0.1, pretrain_steps=3)
    context, _ = make_context(records, conf)
    trainer = EMTrainer(conf, context)
    pretraining, em = trainer.phases()
    for _ in range(pretraining.steps):
        pretraining.step()
    pretrained = weights_of(context)
    em.step()
    assert same(pretrained, trainer.frozen.state_dict())


def test_rollback_keeps_better_weights_and_undoes_worse_ones(records, make_context):
    conf = em_conf(pretrain_steps=3, rollback_every=2, lr=0.01)
    context, _ = make_context(records, conf)
    seen, em = EMTrainer(conf, context).phases()
    for _ in range(3):
        seen.step()
    assert seen.on_validation({"val/H": 10.0}) is False
    em.begin()
    start = weights_of(context)
    em.step()
    assert em.on_validation({"val/H": 9.0}) is True
    assert same(weights_of(context), start)
    em.step()
    assert em.on_validation({"val/H": 11.0}) is False
    better = weights_of(context)
    assert not same(better, start)
    em.step()
    assert em.on_validation({"val/H": 11.0}) is True
    assert same(weights_of(context), better)


def test_rows_are_not_generated_by_weights_that_are_undone(records, make_context):
    conf = em_conf(pretrain_steps=3, rollback_every=2, refresh_every=3, lr=0.01)
    context, _ = make_context(records, conf)
    trainer = EMTrainer(conf, context)
    seen, em = trainer.phases()
    for _ in range(3):
        seen.step()
    seen.on_validation({"val/H": 10.0})
    em.begin()
    start = weights_of(context)
    for _ in range(4):  # the fourth renews the copy
        em.step()
    assert not same(trainer.frozen.state_dict(), start)
    assert em.on_validation({"val/H": 9.0}) is True
    assert same(trainer.frozen.state_dict(), start)


def test_a_metric_of_the_rollback_that_is_not_measured_is_named_at_the_first_validation(records, make_context):
    conf = em_conf(pretrain_steps=3, rollback_every=2, rollback_metric="val/H")
    context, _ = make_context(records, conf)
    seen, _ = EMTrainer(conf, context).phases()
    expected = r"trainer\.em\.rollback_metric: val/H was not measured on validation data; measured: val/top_k$"
    with pytest.raises(RunError, match=expected):
        seen.on_validation({"val/top_k": 10.0})


def test_prior_dropout_changes_for_the_em_phase_only(records, make_context):
    conf = em_conf(pretrain_steps=1, train_prior_dropout=0.0)
    context, _ = make_context(records, conf)
    rates = []
    context.model.set_prior_dropout = rates.append
    seen, em = EMTrainer(conf, context).phases()
    seen.step()
    assert rates == []
    em.step()
    assert rates == [0.0]


def dropout_rates(model):
    return {part.rate for part in model.prior_network.modules() if isinstance(part, Dropout)}


def test_the_copy_that_generates_has_the_same_prior_dropout(records, make_context):
    conf = em_conf(refresh_every=3, train_prior_dropout=0.3)
    trainer = EMTrainer(conf, make_context(records, conf)[0])
    assert dropout_rates(trainer.frozen) == {0.1}
    trainer.phases()[0].step()
    assert dropout_rates(trainer.frozen) == dropout_rates(trainer.model) == {0.3}


def test_prior_dropout_of_the_control_changes_in_its_second_phase(records, make_context):
    conf = SeenOnlyTrainerConf(steps=1, matched=MatchedBudgetConf(em_iterations=1), prior_dropout=0.3)
    context, _ = make_context(records, conf)
    seen, continued = SeenOnlyTrainer(conf, context).phases()
    seen.step()
    assert dropout_rates(context.model) == {0.1}
    continued.step()
    assert dropout_rates(context.model) == {0.3}


@pytest.mark.parametrize("train_prior", [True, False])
def test_the_prior_network_stands_still_in_the_em_phase_unless_it_learns(records, make_context, train_prior):
    conf = em_conf(pretrain_steps=1, train_prior=train_prior)
    context, _ = make_context(records, conf)
    seen, em = EMTrainer(conf, context).phases()
    for phase, fixed in ((seen, False), (em, not train_prior), (seen, False)):
        phase.step()
        assert context.model.prior_is_fixed == fixed


def test_class_weighting_gives_every_class_the_same_expected_weight():
    counts, probability = torch.tensor([30.0, 10.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.5, 0.5])
    labels = torch.tensor([0, 0, 0, 1] + [2] * 10 + [3] * 10)
    weight = class_balanced_weights(labels, 4, counts, probability, draws=4, copies=5)
    totals = [weight[labels == k].sum().item() for k in range(4)]
    assert totals == pytest.approx([totals[0]] * 4, rel=1e-6)
    assert weight.mean().item() == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("copies", [1, 5])
def test_the_weights_of_a_mixed_batch_are_those_of_its_composition(records, make_context, copies):
    """Expected of each of 6 seen classes 3 / 6 rows, of each of 3 unseen ones 12 copies / 3."""
    conf = em_conf(loss_weighting="class", copies=copies)
    trainer = EMTrainer(conf, make_context(records, conf)[0])
    labels = torch.tensor([0, 5, 3] + 12 * copies * [7])
    weights = trainer._weights_of_rows(labels, 3, 12)
    torch.testing.assert_close(weights[:3] / weights[3:6], torch.full((3,), 4 * copies / 0.5))


def test_class_weighting_changes_the_training(records, make_context):
    results = []
    for weighting in ("row", "class"):
        conf = em_conf(loss_weighting=weighting)
        context, _ = make_context(records, conf)
        train(EMTrainer(conf, context))
        results.append(weights_of(context))
    assert not same(*results)


def test_control_spends_the_same_gradient_steps_and_real_rows(records, make_context):
    conf = em_conf(iterations=1500, batch_size=64, copies=1, lr=0.0)
    context, _ = make_context(records, conf)
    trainer = EMTrainer(conf, context)
    trainer.seen_step._loss_terms = lambda x, *rest: {"loss": next(context.model.parameters()).sum()}
    rows = train(trainer)
    control = SeenOnlyTrainerConf(steps=0, matched=MatchedBudgetConf(em_iterations=1500))
    other, _ = make_context(records, control)
    matched = SeenOnlyTrainer(control, other)
    steps = matched.phases()[0].steps
    assert steps == pytest.approx(context.optimisers.steps, rel=0.02)
    assert steps * matched.phases()[0].step().real_rows == pytest.approx(rows, rel=0.02)


def disturbed(records, what):
    generator = np.random.default_rng(9)
    features, labels = records.features.copy(), records.labels.copy()
    test = np.concatenate([records.test_seen, records.test_unseen])
    if what == "test features":
        features[test] = generator.normal(size=features[test].shape) * 50
    elif what == "fewer unseen rows":
        return dataclasses.replace(records, test_unseen=records.test_unseen[labels[records.test_unseen] != 7][5:])
    else:
        labels[records.test_unseen] = generator.permutation(labels[records.test_unseen])
    return dataclasses.replace(records, features=features, labels=labels)


@pytest.mark.parametrize("what", ["test features", "unseen labels", "fewer unseen rows"])
@pytest.mark.parametrize("scaling", ["none", "minmax", "standard", "l2"])
def test_nothing_of_the_test_split_reaches_the_weights(records, make_context, what, scaling):
    conf = em_conf(pretrain_steps=5)
    trained = []
    for source in (records, disturbed(records, what)):
        context, _ = make_context(source, conf, feature_scaling=scaling)
        train(EMTrainer(conf, context))
        trained.append(weights_of(context))
    assert same(*trained)


def test_fold_options_default_to_no_leak(records):
    train = zero_shot_folds(records).final().train
    assert train.unseen_prior is None
    assert train.unlabelled is None


def test_the_result_tells_that_no_em_iteration_was_made(records, make_context):
    """A length that `evaluator.select=val` chose may end before the phase that the trainer has its name from."""
    conf = em_conf(pretrain_steps=3)
    context, _ = make_context(records, conf)
    trainer = EMTrainer(conf, context)
    seen, em = trainer.phases()
    for _ in range(seen.steps):
        seen.step()
    (warning,) = trainer.warnings()
    assert "within the 3 steps on seen classes alone: no EM iteration was made" in warning
    em.step()
    assert trainer.warnings() == []

"""Adversarial training: who moves when, what is seen, and equality with the same steps written plainly."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
import torch

from tests.evaluation.test_relabelling import renumbered
from tests.models.feature_gan_settings import BI_VAEGAN, F_VAEGAN, TF_VAEGAN
from tests.weights import differing, hand_over, same, weights_of
from zsl_runner.classifiers.conf import ClassifierConf
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.errors import DataError
from zsl_runner.models.eszsl.conf import ESZSLConf
from zsl_runner.models.feature_gan.conf import FeatureGANConf, PenaltyConf, WeightsConf
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.objectives.critic import CriticTerms
from zsl_runner.trainers.feature_gan.conf import FeatureGANTrainerConf, SeenClassifierConf
from zsl_runner.trainers.feature_gan.critics import means_of
from zsl_runner.trainers.feature_gan.trainer import FeatureGANTrainer

SPHERE = {"feature_scaling": "l2", "radius": 1.0, "semantic_scaling": "l2"}
UNIT = {"feature_scaling": "minmax", "semantic_scaling": "l2"}
ADAM = OptimizerConf(lr=1e-3, betas=[0.5, 0.999])
INDUCTIVE = FeatureGANTrainerConf(epochs=2, batch_size=16, critic_steps=3, optim=ADAM)
TRANSDUCTIVE = dataclasses.replace(INDUCTIVE, mode="transductive", warmup_epochs=1)
QUICK = ClassifierConf(synthetic_per_class=20, epochs=3)
F_CLSWGAN = FeatureGANConf(hidden=16, output="relu", weights=WeightsConf(critic=1, generator=1, classification=0.01))


@pytest.fixture
def build(make_context, records):
    def build(model_conf, conf=INDUCTIVE, data=None, seed=0, **fold_options):
        options = SPHERE if model_conf.output == "projection" else UNIT
        options = options | {"unlabelled": conf.sees_unlabelled(), "known_prior": conf.prior_source() == "known"}
        context, _ = make_context(data or records, conf, model_conf, FeatureGAN, seed=seed, **(options | fold_options))
        return FeatureGANTrainer(conf, context)

    return build


def run(trainer):
    """Run all phases; return the reports."""
    reports = []
    for phase in trainer.phases():
        phase.begin()
        reports += [phase.step() for _ in range(phase.steps)]
    return reports


def moved(trainer, act):
    """Return the networks whose parameters ``act`` changes."""
    before = {name: [p.detach().clone() for p in net.parameters()] for name, net in trainer.model.networks().items()}
    act()
    return {
        name
        for name, network in trainer.model.networks().items()
        if any(not torch.equal(p, q) for p, q in zip(network.parameters(), before[name], strict=True))
    }


def test_what_a_critic_says_is_the_mean_over_its_steps():
    steps = [
        CriticTerms(torch.tensor([[3.0, 5.0], [1.0, 2.0]]), torch.tensor([1.0, 3.0])),
        CriticTerms(torch.tensor([[0.0, 2.0], [2.0, 2.0]]), torch.tensor([0.0, 0.0])),
    ]
    found = {name: value.item() for name, value in means_of("seen", steps).items()}
    assert found == {"distance/seen": (2.5 - 1) / 2, "penalty/seen": (2 + 1) / 2, "gradient_norm/seen": (2 + 0) / 2}


def test_the_regression_that_is_told_does_not_grow_with_the_number_of_its_steps(build):
    told = []
    for steps in (1, 8):
        conf = dataclasses.replace(TRANSDUCTIVE, regressor_steps=steps, optim=OptimizerConf(lr=1e-7))
        reports = run(build(BI_VAEGAN, conf))
        told.append(next(report.terms["regression"].item() for report in reports if "regression" in report.terms))
    assert told[1] == pytest.approx(told[0], rel=0.3)


@pytest.mark.parametrize("model_conf", [BI_VAEGAN, F_VAEGAN, TF_VAEGAN, F_CLSWGAN])
def test_every_variant_trains_inductively(build, model_conf):
    trainer = build(model_conf)
    reports = run(trainer)
    assert len(reports) == 2 * trainer.clock.steps_in_epoch
    assert all(term.isfinite() for report in reports for term in report.terms.values())
    networks = set(trainer.model.networks()) - {"unseen_critic", "attribute_critic"}
    assert moved(trainer, lambda: [trainer.phases()[0].step() for _ in range(trainer.clock.steps_in_epoch)]) == networks


def test_level_2_leaves_the_regressor_alone_and_level_1_and_critics_leave_the_generator_alone(build):
    trainer = build(BI_VAEGAN, TRANSDUCTIVE)
    drawing = trainer.drawing
    block = trainer.regressor_block
    assert moved(trainer, lambda: block(block.draw(True))) == {"regressor", "attribute_critic"}
    assert moved(trainer, lambda: block(block.draw(False))) == {"regressor"}
    rows = drawing.rows(3, "critic", unlabelled=True)
    seen, unseen = drawing.seen(rows, "critic"), drawing.unseen(rows, "critic")
    assert moved(trainer, lambda: trainer.critics(seen, unseen, None)) == {"critic", "unseen_critic"}
    assert moved(trainer, lambda: trainer.critics(seen, None, None)) == {"critic"}
    batches = next(seen.batches(3)), next(unseen.batches(3)), drawing.noise(drawing.size, "code")
    assert moved(trainer, lambda: trainer.generator_step(*batches, True, None)) == {"encoder", "generator"}


@pytest.mark.parametrize(
    ("count", "generator", "critic", "regressor"),
    [(1_000, 16, 80, 20), pytest.param(23_527, 368, 1_840, 370, marks=pytest.mark.slow)],
    ids=["few rows", "AWA2"],
)
def test_steps_of_an_epoch(build, records, monkeypatch, count, generator, critic, regressor):
    """Of AWA2's: G 368, D and D^u 1840, R and D^a 370: batch 64, five critic steps, a block at every fifth step."""
    rows = np.random.default_rng(0).choice(records.trainval, count)
    published = dataclasses.replace(
        TRANSDUCTIVE, batch_size=64, critic_steps=5, epochs=1, warmup_epochs=0, class_prior="known"
    )
    trainer = build(BI_VAEGAN, published, dataclasses.replace(records, trainval=rows))
    steps = Counter()
    optimisers = trainer.context.optimisers
    descend, minimize = optimisers.descend, optimisers.minimize
    monkeypatch.setattr(optimisers, "descend", lambda name, *rest: (steps.update([name]), descend(name, *rest)))
    monkeypatch.setattr(optimisers, "minimize", lambda loss, *names: (steps.update(names), minimize(loss, *names)))
    assert sum(report.real_rows for report in run(trainer)) == 64 * (generator + critic + regressor)
    expected = {"generator": generator, "encoder": generator, "critic": critic, "unseen_critic": critic}
    assert steps == expected | {"regressor": regressor, "attribute_critic": regressor}


@pytest.mark.parametrize("prior", ["uniform", "cpe", "classifier", "bbse", "bbse_soft"])
def test_shuffled_test_labels_leave_the_trajectory_bit_identical(build, records, prior):
    conf = dataclasses.replace(TRANSDUCTIVE, class_prior=prior, prior_classifier=QUICK)
    labels = records.labels.copy()
    labels[records.test_unseen] = np.random.default_rng(4).choice(records.unseen_classes, len(records.test_unseen))
    first, second = build(BI_VAEGAN, conf), build(BI_VAEGAN, conf, dataclasses.replace(records, labels=labels))
    reports = run(first), run(second)
    assert same(weights_of(first), weights_of(second))
    for one, other in zip(*reports, strict=True):
        assert same(one.terms, other.terms)


def test_a_known_prior_sees_frequencies_and_nothing_more(build, records):
    conf = dataclasses.replace(TRANSDUCTIVE, class_prior="known")
    generator = np.random.default_rng(4)

    def trained(new):
        labels = records.labels.copy()
        labels[records.test_unseen] = new
        trainer = build(BI_VAEGAN, conf, dataclasses.replace(records, labels=labels))
        run(trainer)
        return weights_of(trainer)

    own = records.labels[records.test_unseen]
    assert same(trained(own), trained(generator.permutation(own)))
    assert not same(trained(own), trained(generator.choice(records.unseen_classes, len(own), p=[0.6, 0.3, 0.1])))


def test_unlabelled_rows_reach_the_weights_after_the_warm_up_only(build, records):
    features = records.features.copy()
    features[records.test_unseen] += 1
    changed = dataclasses.replace(records, features=features)
    first, second = build(BI_VAEGAN, TRANSDUCTIVE), build(BI_VAEGAN, TRANSDUCTIVE, changed)
    for trainer in (first, second):
        phase = trainer.phases()[0]
        phase.begin()
        for _ in range(phase.steps):
            phase.step()
    assert same(weights_of(first), weights_of(second))
    for trainer in (first, second):
        trainer.phases()[1].step()
    assert not same(weights_of(first), weights_of(second))


def test_an_estimated_prior_is_taken_up_anew_in_every_transductive_epoch(build, monkeypatch):
    calls = []
    fixed = torch.tensor([0.7, 0.2, 0.1])

    def estimate(strategy, *_):
        calls.append(strategy)
        return fixed

    monkeypatch.setattr("zsl_runner.trainers.feature_gan.trainer.estimate", estimate)
    conf = dataclasses.replace(TRANSDUCTIVE, epochs=4, class_prior="cpe")
    trainer = build(BI_VAEGAN, conf)
    torch.testing.assert_close(trainer.drawing.class_prior, torch.full((3,), 1 / 3))
    run(trainer)
    assert calls == ["cpe"] * 3
    assert torch.equal(trainer.shown()["class_prior"], fixed)


def test_a_class_prior_is_estimated_also_where_a_phase_begins_within_an_epoch(build, monkeypatch):
    """As it does where ``debug.steps`` shortens the phase before."""
    calls = []
    fixed = torch.tensor([0.7, 0.2, 0.1])
    monkeypatch.setattr("zsl_runner.trainers.feature_gan.trainer.estimate", lambda *_: calls.append(1) or fixed)
    trainer = build(BI_VAEGAN, dataclasses.replace(TRANSDUCTIVE, class_prior="cpe"))
    for phase in trainer.phases():
        phase.begin()
        phase.step()
    assert calls == [1]
    assert torch.equal(trainer.drawing.class_prior, fixed)


def test_unseen_classes_are_drawn_from_the_class_prior(build):
    trainer = build(BI_VAEGAN, TRANSDUCTIVE)
    trainer.drawing.class_prior = torch.tensor([0.5, 0.0, 0.5])
    rows = [trainer.drawing.rows(3, "critic", unlabelled=True) for _ in range(100)]
    draws = [trainer.drawing.unseen(some, "critic") for some in rows]
    counts = Counter(torch.cat([draw.labels for draw in draws]).tolist())
    assert counts.keys() == {6, 8}
    assert abs(counts[6] / 4800 - 0.5) < 5 * (0.25 / 4800) ** 0.5
    for draw in draws:
        assert torch.equal(draw.vectors, trainer.context.data.class_vectors[draw.labels])


def test_bi_vaegan_without_its_unseen_terms_is_f_vaegan_step_for_step(build):
    """Specification, check 11: what the unseen side draws disturbs no draw of the seen side."""
    weights = WeightsConf(unseen_generator=0.0, feedback=0.0)
    bi_vaegan = build(dataclasses.replace(BI_VAEGAN, attribute_critic=False, weights=weights), TRANSDUCTIVE)
    inductive = dataclasses.replace(
        BI_VAEGAN, attribute_critic=False, unseen_critic="none", regressor="none", classifier_input="x"
    )
    f_vaegan = build(inductive, INDUCTIVE)
    run(bi_vaegan), run(f_vaegan)
    shared = [name for name in weights_of(f_vaegan) if name.split(".")[0] in ("encoder", "generator", "critic")]
    assert shared
    expected = weights_of(f_vaegan)
    assert all(torch.equal(weights_of(bi_vaegan)[name], expected[name]) for name in shared)


@pytest.mark.parametrize(
    ("critic", "changed"),
    [
        ("unseen_critic", {"weights": WeightsConf(unseen_generator=0, unseen_critic=1)}),
        (
            "attribute_critic",
            {
                "weights": WeightsConf(attribute_generator=0, attribute_critic=1),
                "penalty": dataclasses.replace(BI_VAEGAN.penalty, attribute_weight=1, attribute_projection="none"),
                "perturbation": dataclasses.replace(BI_VAEGAN.perturbation, critic=0.3),
            },
        ),
    ],
)
def test_options_of_a_critic_that_nobody_listens_to_reach_no_other_network(build, critic, changed):
    weights = dataclasses.replace(changed["weights"], **{critic: 10.0})
    trainers = [
        build(dataclasses.replace(BI_VAEGAN, **change), TRANSDUCTIVE) for change in (changed, {"weights": weights})
    ]
    for trainer in trainers:
        run(trainer)
    found, expected = map(weights_of, trainers)
    assert {name.split(".")[0] for name in differing(found, expected)} == {critic}


def test_a_feedback_loop_of_no_strength_is_the_first_loop(build):
    """Specification, check 11: delta = 0 makes TF-VAEGAN's second loop equal the first."""
    still = build(dataclasses.replace(TF_VAEGAN, feedback_train=0.0))
    plain = build(dataclasses.replace(TF_VAEGAN, feedback_loop=False))
    for trainer in (still, plain):
        step = trainer.phases()[0].step
        for _ in range(still.clock.steps_in_epoch // 2 + 1):
            step()
    found, expected = weights_of(still), weights_of(plain)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-5, msg=name)


def test_the_feedback_network_learns_in_the_second_half_of_each_epoch(build):
    trainer = build(TF_VAEGAN)
    assert trainer.clock.steps_in_epoch == 2 * -(-len(trainer.context.data.features) // 16)
    step = trainer.phases()[0].step
    half = trainer.clock.steps_in_epoch // 2
    for _ in range(2):
        assert "feedback" not in moved(trainer, lambda: [step() for _ in range(half)])
        assert "feedback" in moved(trainer, lambda: [step() for _ in range(half)])


def test_the_penalty_weight_adapts_only_if_it_is_asked_to(build):
    steps = INDUCTIVE.epochs
    fixed = build(F_VAEGAN)
    run(fixed)
    assert fixed.critics.seen.penalty_weight.item() == 10.0
    adaptive = build(dataclasses.replace(F_VAEGAN, penalty=PenaltyConf(adaptive=True)))
    reports = run(adaptive)
    weights = [10.0, *(report.terms["penalty_weight/critic"].item() for report in reports)]
    assert steps > 1
    for before, after, report in zip(weights, weights[1:], reports, strict=False):
        penalty = report.terms["penalty/critic"].item()
        factor = 1.1 if penalty > 1.05 else 1 / 1.1 if penalty < 1.001 else 1.0
        assert after == pytest.approx(before * factor, rel=1e-5)


def test_the_seen_classifier_is_fitted_once_and_knows_the_seen_classes(build):
    trainer = build(F_CLSWGAN, dataclasses.replace(INDUCTIVE, seen_classifier=SeenClassifierConf(lr=0.05)))
    (phase,) = trainer.phases()
    phase.begin()
    data = trainer.context.data
    weight, bias = trainer.model.seen_classifier_weight, trainer.model.seen_classifier_bias
    x = torch.cat([rows for _, rows in data.features.blocks(100)])
    predicted = (x @ weight[data.labelled_classes].T + bias[data.labelled_classes]).argmax(1)
    assert (data.labelled_classes[predicted] == data.labels).float().mean().item() > 0.9
    assert not weight[data.unseen_classes].any()
    fitted = weight.clone()
    report = phase.step()
    assert torch.equal(weight, fitted)
    assert report.terms["classification"].item() > 0


def test_generated_rows_are_classified_among_the_seen_classes_however_these_are_numbered(build, records):
    number = np.random.default_rng(2).permutation(len(records.class_vectors))
    trainer = build(F_CLSWGAN, data=renumbered(records, number))
    trainer.phases()[0].begin()
    data, model = trainer.context.data, trainer.model
    assert not (data.labelled_classes.diff() == 1).all()
    x, labels = data.features.take(torch.arange(40)), data.labels[:40]
    logits = x @ model.seen_classifier_weight.T + model.seen_classifier_bias
    logits[:, data.unseen_classes] = -torch.inf
    expected = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(trainer.generator_step._classification(x, labels), expected)


def test_state_round_trip_continues_bit_identically(build):
    conf = dataclasses.replace(TRANSDUCTIVE, class_prior="cpe", prior_classifier=QUICK)
    straight = build(BI_VAEGAN, conf)
    run(straight)
    stopped, resumed = build(BI_VAEGAN, conf), build(BI_VAEGAN, conf, seed=9)
    first, second = stopped.phases()
    first.begin()
    for _ in range(first.steps):
        first.step()
    second.begin()
    for _ in range(3):
        second.step()
    resumed.context.streams.seed = stopped.context.streams.seed
    hand_over(stopped, resumed)
    for _ in range(second.steps - 3):
        resumed.phases()[1].step()
    assert same(weights_of(straight), weights_of(resumed))
    assert torch.equal(straight.drawing.class_prior, resumed.drawing.class_prior)


def test_a_transductive_training_that_ends_within_its_inductive_start_says_so(build):
    trainer = build(BI_VAEGAN, TRANSDUCTIVE)
    first, second = trainer.phases()
    for _ in range(first.steps):
        first.step()
    (warning,) = trainer.warnings()
    assert f"ended after {first.steps} steps, within the {first.steps} inductive ones" in warning
    second.begin()
    second.step()
    assert trainer.warnings() == []
    run(inductive := build(F_VAEGAN))
    assert inductive.warnings() == []


def test_a_training_that_ends_before_the_feedback_network_learns_says_so(build):
    trainer = build(TF_VAEGAN)
    (phase,) = trainer.phases()
    half = trainer.clock.steps_in_epoch // 2
    for _ in range(half):
        phase.step()
    (warning,) = trainer.warnings()
    assert f"ended after {half} steps: the feedback network, through which features are generated" in warning
    phase.step()
    assert trainer.warnings() == []


def test_a_training_whose_phases_were_shortened_ends_after_its_transductive_one(build):
    """As ``debug.steps`` does; the step's number is then that of an inductive one."""
    trainer = build(BI_VAEGAN, TRANSDUCTIVE)
    first, second = trainer.phases()
    for phase in (first, second):
        if phase.begin is not None:
            phase.begin()
        phase.step()
    assert trainer.clock.done <= first.steps
    assert trainer.warnings() == []


def keys(problems):
    return {problem.key for problem in problems}


def test_contradictions_are_complained_about():
    assert keys(dataclasses.replace(INDUCTIVE, class_prior="cpe", warmup_epochs=1).problems()) == {
        "class_prior",
        "warmup_epochs",
    }
    assert keys(dataclasses.replace(TRANSDUCTIVE, warmup_epochs=2).problems()) == {"warmup_epochs"}
    assert keys(dataclasses.replace(TRANSDUCTIVE, class_prior="bbse", warmup_epochs=0).problems()) == {"warmup_epochs"}
    assert keys(dataclasses.replace(INDUCTIVE, encoder_betas=[0.5]).problems()) == {"encoder_betas"}
    assert keys(INDUCTIVE.problems()) == keys(TRANSDUCTIVE.problems()) == set()


def test_options_of_networks_that_are_not_there_are_complained_about():
    toy = ToyConf(name="toy")
    conf = dataclasses.replace(TRANSDUCTIVE, encoder_betas=[0.9, 0.999], regressor_lr=1e-4, feedback_lr=1e-4)
    assert keys(conf.fits(F_CLSWGAN, toy)) == {"mode", "encoder_betas", "regressor_lr", "feedback_lr"}
    assert keys(conf.fits(TF_VAEGAN, toy)) == {"mode"}
    assert keys(TRANSDUCTIVE.fits(BI_VAEGAN, toy)) == set()
    assert keys(TRANSDUCTIVE.fits(ESZSLConf(), toy)) == set()


def test_own_learning_rates_and_decay_rates_reach_their_optimisers():
    conf = dataclasses.replace(INDUCTIVE, encoder_betas=[0.9, 0.99], regressor_lr=0.25, feedback_lr=0.125)
    optimisers = conf.optimisers()
    assert optimisers["encoder"].betas == [0.9, 0.99]
    assert (optimisers["regressor"].lr, optimisers["feedback"].lr) == (0.25, 0.125)
    assert optimisers["generator"] == optimisers["critic"] == ADAM


def test_refuses_a_model_or_data_it_cannot_use(build, make_context, records, small_sgal):
    context, _ = make_context(records, INDUCTIVE, F_VAEGAN, FeatureGAN)
    with pytest.raises(ValueError, match="unlabelled pool"):
        FeatureGANTrainer(TRANSDUCTIVE, context)
    with pytest.raises(TypeError, match="no feature-generating network"):
        FeatureGANTrainer(INDUCTIVE, dataclasses.replace(context, model=torch.nn.Linear(2, 2)))


def test_batches_of_one_are_refused_where_a_batch_norm_needs_two(build, records):
    lone = records.test_unseen[records.labels[records.test_unseen] == records.unseen_classes[0]][:1]
    few = dataclasses.replace(records, unseen_classes=records.unseen_classes[:1], test_unseen=lone)
    with pytest.raises(DataError, match=r"batch_norm needs batches of two .* found 120 training and 1 unlabelled rows"):
        build(BI_VAEGAN, TRANSDUCTIVE, few)
    run(build(BI_VAEGAN, INDUCTIVE, few))
    run(build(dataclasses.replace(BI_VAEGAN, encoder="two_layer"), TRANSDUCTIVE, few))


@pytest.mark.parametrize("scaling", ["none", "l2"])
def test_negative_features_are_refused_where_the_generator_makes_none(build, records, scaling):
    with pytest.raises(DataError, match=r"relu makes no negative feature, found .* down to -\d"):
        build(F_CLSWGAN, INDUCTIVE, feature_scaling=scaling)
    positive = dataclasses.replace(records, features=abs(records.features))
    run(build(F_CLSWGAN, INDUCTIVE, positive, feature_scaling=scaling))

"""Training by pixel-to-prototype contrast: what it sees, which parameter which term moves, arms, schedules, resume."""

import copy
import dataclasses
import itertools

import numpy as np
import pytest
import torch

from tests.references.prototype_contrast import PlainContrast
from tests.tagged import (
    CANVASES,
    MASKED_STEPS,
    NETWORK,
    STEPS,
    goes_on_where_it_was,
    run_phase,
    run_phases,
    tagged_fold,
    trainer,
)
from tests.weights import reached, same, weights_of
from zsl_runner.data.rows import EpochSampler
from zsl_runner.data.sources.digit_canvas.source import load_tagged
from zsl_runner.errors import ConfigError
from zsl_runner.models.class_mapping_conf import CorrelationConf
from zsl_runner.models.class_maps.model import ClassMaps
from zsl_runner.streams import Streams
from zsl_runner.trainers.class_mapping_conf import PhaseConf
from zsl_runner.trainers.prototype_contrast.conf import MiningConf, PrototypesConf, WeightsConf

NONE = WeightsConf(0, 0, 0, 0, 0, 0)
SEAM = WeightsConf(1, 1, 1, 0, 0, 0)
CORRECTED = CorrelationConf([2, 3], [4, 4], 6, centred=True, power=4.0, tagged=True)
CONTRASTS = ("cross_prototype", "cross_map", "intra")


def trained(fold=None, **changes):
    procedure = trainer((fold or tagged_fold()).train, **changes)
    return run_phases(procedure), weights_of(procedure)


def batch(fold, count=8):
    return fold.train.take(torch.arange(count))


def test_shuffled_masks_change_no_weight():
    """Training sees tags and no mask: neither in its fold, nor anywhere else."""
    records = load_tagged(CANVASES)
    order = np.random.default_rng(0).permutation(len(records.masks))
    shuffled = dataclasses.replace(records, masks=records.masks[order][:, ::-1].copy())
    assert not np.array_equal(shuffled.masks, records.masks)
    terms, weights = trained(tagged_fold(records))
    other_terms, other_weights = trained(tagged_fold(shuffled))
    without_terms, without = trained(tagged_fold(dataclasses.replace(records, masks=None)))
    assert same(weights, other_weights)
    assert same(weights, without)
    assert str(terms) == str(other_terms) == str(without_terms)


def test_tags_do_matter():
    records = load_tagged(CANVASES)
    _, weights = trained(tagged_fold(records))
    _, others = trained(tagged_fold(dataclasses.replace(records, tags=records.tags[:, ::-1].copy())))
    assert not same(weights, others)


def test_a_class_that_no_image_shows_is_learned_to_be_absent():
    records = load_tagged(CANVASES)
    tags = records.tags.copy()
    tags[:, 9], tags[:, 0] = False, True
    terms, weights = trained(tagged_fold(dataclasses.replace(records, tags=tags)))
    assert all(term.isfinite() for steps in terms.values() for step in steps for term in step.values())
    assert all(value.isfinite().all() for value in weights.values())


def test_phases_and_terms_of_the_arms():
    fold = tagged_fold()
    terms, _ = trained(fold)
    assert terms.keys() == {"classify", "contrast"}
    assert terms["classify"][0].keys() == {"tags", "loss"}
    assert terms["contrast"][0].keys() == {
        *("tags", "least_activation", "equivariance", "refinement", "loss"),
        *CONTRASTS,
    }
    for weights, expected in ((NONE, set()), (SEAM, {"least_activation", "equivariance", "refinement"})):
        found, _ = trained(fold, weights=weights)
        assert found["contrast"][0].keys() == {"tags", "loss", *expected}
    only, _ = trained(fold, classify=PhaseConf(steps=0))
    assert only.keys() == {"contrast"}


@pytest.mark.parametrize("term", CONTRASTS)
def test_contrast_moves_projection_and_backbone_and_neither_class_maps_nor_correlation(term):
    fold = tagged_fold()
    procedure = trainer(fold.train, weights=dataclasses.replace(NONE, **{term: 1.0}))
    procedure.model.train()
    found = procedure.contrast_terms(*batch(fold))
    found[term].backward()
    assert reached(procedure.model) == {"backbone", "projection"}


def test_what_the_terms_of_seam_move():
    fold = tagged_fold()
    expected = {
        "tags": {"backbone", "classes"},
        "equivariance": {"backbone", "classes"},
        "least_activation": {"correlation"},
        "refinement": {"correlation"},
    }
    for term, parts in expected.items():
        procedure = trainer(fold.train, weights=SEAM)
        procedure.contrast_terms(*batch(fold))[term].backward()
        assert reached(procedure.model) == parts, term


def test_weight_zero_is_the_arm_without_the_term_bit_for_bit():
    """The hard pixels have a stream of their own, so that what they draw moves nothing else."""
    fold = tagged_fold()
    _, seam = trained(fold, weights=SEAM)
    _, again = trained(fold, weights=dataclasses.replace(WeightsConf(), cross_prototype=0, cross_map=0, intra=0))
    assert same(seam, again)
    _, full = trained(fold)
    assert not same(seam, full)
    # A weight that rounds away: its term is computed and drawn for, and still moves nothing.
    tiny = dataclasses.replace(SEAM, cross_prototype=1e-30, cross_map=1e-30, intra=1e-30)
    procedure = trainer(fold.train, weights=tiny)
    run_phases(procedure)
    assert same(
        {n: w for n, w in weights_of(procedure).items() if "projection" not in n},
        {n: w for n, w in seam.items() if "projection" not in n},
    )


@pytest.mark.parametrize("frozen", [False, True])
def test_frozen_statistics_are_those_of_the_phase_before(frozen):
    conf = PhaseConf(steps=2, frozen_statistics=frozen)
    procedure = trainer(tagged_fold().train, contrast=conf)
    first, second = procedure.phases()
    run_phase(first)
    before = weights_of(procedure)
    run_phase(second)
    after = weights_of(procedure)
    statistics = [name for name in before if "running_" in name or "num_batches" in name]
    assert statistics
    assert all(torch.equal(before[name], after[name]) is frozen for name in statistics)
    assert not any(torch.equal(before[name], after[name]) for name in before if name.endswith(".1.weight"))


def test_arms_share_their_first_phase_bit_for_bit():
    fold = tagged_fold()
    first = {name: trained(fold, weights=weights)[0]["classify"] for name, weights in (("seam", SEAM), ("cls", NONE))}
    assert str(first["seam"]) == str(first["cls"]) == str(trained(fold)[0]["classify"])


@pytest.mark.parametrize("restarted", [False, True])
def test_a_second_phase_from_weights_lacks_moments_and_the_place_in_the_order_of_batches_and_nothing_else(restarted):
    """What a run of both phases, and one that begins with the weights of the first, do not have in common."""
    fold = tagged_fold()

    def after_second(moments, batches):
        whole = trainer(fold.train, restart_optimisers=restarted)
        first, second = whole.phases()
        run_phase(first)
        begun = trainer(fold.train, classify=PhaseConf())
        begun.model.load_state_dict(whole.model.state_dict())
        if moments:
            begun.context.optimisers.load_state_dict(copy.deepcopy(whole.context.optimisers.state_dict()))
        if batches:
            begun.load_state_dict(whole.state_dict())
            begun.context.streams.load_state_dict(whole.context.streams.state_dict())
        for phase in (second, *begun.phases()):
            run_phase(phase)
        return same(weights_of(whole), weights_of(begun))

    equal = [kept for kept in itertools.product([False, True], repeat=2) if after_second(*kept)]
    assert equal == [(not restarted, True)]


def test_a_restart_is_idle_where_there_is_one_phase():
    def idle(**changes):
        return {option.key: option.why for option in dataclasses.replace(STEPS, **changes).idle_options()}

    assert "restart_optimisers" not in idle()
    assert idle(classify=PhaseConf()) == {"restart_optimisers": "a single phase"}
    assert idle(contrast=PhaseConf())["restart_optimisers"] == "a single phase"
    assert "restart_optimisers" in {
        option.key for option in dataclasses.replace(MASKED_STEPS, first=PhaseConf()).idle_options()
    }


def test_what_the_first_phase_does_not_move_has_no_moments_to_keep():
    procedure = trainer(tagged_fold().train)
    first, _ = procedure.phases()
    run_phase(first)
    states = procedure.context.optimisers.state_dict()["optimisers"]
    names = [name for part in ("classes", "projection", "correlation") for name in _below(procedure.model, part)]
    moved = [names[place] for place in states["heads"]["state"]]
    assert moved == ["classes.weight"]
    assert len(states["backbone"]["state"]) == len(list(procedure.model.backbone.parameters()))


def _below(model, part):
    return [f"{part}.{name}" for name, _ in getattr(model, part).named_parameters()]


def test_weights_are_factors_of_the_terms():
    fold = tagged_fold()
    images = batch(fold)
    plain = trainer(fold.train, weights=WeightsConf(1, 1, 1, 1, 1, 0)).contrast_terms(*images)
    double = trainer(fold.train, weights=WeightsConf(2, 2, 2, 2, 2, 0)).contrast_terms(*images)
    for name in plain:
        torch.testing.assert_close(double[name], plain[name] * (1 if name == "tags" else 2))


@pytest.mark.parametrize(
    "released",
    [
        {"background": "constant"},
        {"absent_masked": False},
        {"clamped": False},
        {"ties": "first"},
    ],
)
def test_released_prototypes_give_other_terms(released):
    fold = tagged_fold()
    weights = WeightsConf(0, 0, 0, 1, 1, 0)
    ours = trainer(fold.train, weights=weights).contrast_terms(*batch(fold))
    theirs = trainer(fold.train, weights=weights, prototypes=PrototypesConf(**released)).contrast_terms(*batch(fold))
    assert torch.equal(ours["tags"], theirs["tags"])
    assert all(term.isfinite() for term in theirs.values())
    if released != {"ties": "first"} and released != {"clamped": False}:  # these two change values in rare cases alone
        assert not torch.equal(ours["cross_prototype"], theirs["cross_prototype"])


@pytest.mark.parametrize("tagged", [True, False])
def test_classes_without_tag_have_no_prototype_anyway_where_their_maps_are_not_spread(tagged):
    fold = tagged_fold()
    conf = dataclasses.replace(NETWORK, correlation=dataclasses.replace(CORRECTED, tagged=tagged))
    found = []
    for absent_masked in (True, False):
        model = ClassMaps(conf, fold.train.shape, Streams(0))
        prototypes = PrototypesConf(absent_masked=absent_masked)
        found.append(trainer(fold.train, model=model, prototypes=prototypes).contrast_terms(*batch(fold)))
    told = dataclasses.replace(STEPS, prototypes=prototypes).idle_beside(conf, CANVASES)
    assert [option.key for option in told] == ["prototypes.absent_masked"] * tagged
    for name in CONTRASTS:
        assert torch.equal(found[0][name], found[1][name]) is tagged


@pytest.mark.parametrize("released", [{"positive_ranked": True}, {"dropped": 0}, {"random_share": 0.0}])
def test_mining_reaches_the_loss(released):
    fold = tagged_fold()
    weights = WeightsConf(0, 0, 0, 0, 0, 1)
    ours = trainer(fold.train, weights=weights).contrast_terms(*batch(fold))
    theirs = trainer(fold.train, weights=weights, mining=MiningConf(**released)).contrast_terms(*batch(fold))
    assert not torch.equal(ours["intra"], theirs["intra"])


def test_too_few_classes_for_a_negative_within_a_view_are_told():
    training = tagged_fold().train
    assert trainer(training).warnings() == []
    told = trainer(training, mining=MiningConf(dropped=10, last=11))
    (warning,) = told.warnings()
    assert warning.startswith("trainer.weights.intra has no effect: of 11 classes with the background")
    assert "trainer.mining.dropped=10 leaves no prototype but a pixel's own" in warning
    told.model.train()
    assert told.contrast_terms(*training.take(torch.arange(8)))["intra"].item() == pytest.approx(0, abs=1e-6)
    kept = MiningConf(dropped=10, last=11, positive_ranked=True)
    assert trainer(training, mining=kept).warnings() == []
    assert trainer(training, mining=told.conf.mining, weights=SEAM).warnings() == []


FROZEN = PhaseConf(steps=2, frozen_statistics=True)


@pytest.mark.parametrize(
    ("conf", "changes", "option"),
    [
        (STEPS, {"classify": PhaseConf(), "contrast": FROZEN}, "trainer.contrast.frozen_statistics=true kept batch"),
        (STEPS, {"classify": FROZEN, "contrast": PhaseConf()}, "trainer.classify.frozen_statistics=true kept batch"),
        (STEPS, {"contrast": FROZEN}, None),
        (STEPS, {"classify": PhaseConf()}, None),
        (MASKED_STEPS, {"first": PhaseConf(), "second": FROZEN}, "trainer.second.frozen_statistics=true kept batch"),
        (MASKED_STEPS, {"second": FROZEN}, None),
    ],
)
def test_batch_norm_that_is_frozen_before_it_measured_anything_is_told(conf, changes, option):
    training = tagged_fold(steps=conf).train
    procedure = trainer(training, conf, **changes)
    run_phases(procedure)
    told = [text for text in procedure.warnings() if "batch norm" in text]
    assert [text.startswith(option) for text in told] == [True] * (option is not None)
    begun = trainer(training, conf, model=procedure.model, **changes)
    begun.model.load_state_dict(measured(procedure.model))
    assert not [text for text in begun.warnings() if "batch norm" in text]


def measured(model):
    """Return the state of a network whose batch norm has seen other values."""
    state = weights_of(model)
    return {name: value + 0.5 if name.endswith("running_mean") else value for name, value in state.items()}


def test_the_grid_is_of_no_effect_where_nothing_is_compared():
    fold = tagged_fold()
    weights = dataclasses.replace(NONE, least_activation=1.0)
    own, other = (trainer(fold.train, weights=weights, grid=grid).contrast_terms(*batch(fold)) for grid in (None, 7))
    assert same(own, other)
    told = dataclasses.replace(STEPS, weights=weights).idle_options()
    assert "grid" in {option.key for option in told}


def test_views_are_compared_on_the_grid_that_is_asked_for():
    fold = tagged_fold()
    weights = WeightsConf(0, 1, 0, 1, 0, 0)
    images = batch(fold)
    own = trainer(fold.train, weights=weights).contrast_terms(*images)
    same_grid = trainer(fold.train, weights=weights, grid=4).contrast_terms(*images)
    finer = trainer(fold.train, weights=weights, grid=8).contrast_terms(*images)
    for name in own:
        assert torch.equal(own[name], same_grid[name])  # views of 16 pixels have maps of 4 x 4
    assert not torch.equal(own["cross_prototype"], finer["cross_prototype"])


def test_equal_views_agree():
    """With a second view of full size both views are the same image: their plain maps do not differ."""
    fold = tagged_fold()
    terms = trainer(fold.train, weights=WeightsConf(0, 1, 0, 0, 0, 0), view_scale=1.0).contrast_terms(*batch(fold))
    assert terms["equivariance"].item() == 0


def test_learning_rates_follow_the_schedule():
    procedure = trainer(
        tagged_fold().train,
        classify=PhaseConf(steps=4, warmup=2),
        contrast=PhaseConf(steps=4, factor=0.5, power=1.0),
        heads=dataclasses.replace(STEPS.heads, lr=4e-2),
    )
    seen = []
    for phase in procedure.phases():
        phase.begin()
        for _ in range(phase.steps):
            phase.step()
            groups = procedure.context.optimisers.state_dict()["optimisers"]
            seen.append([groups[name]["param_groups"][0]["lr"] for name in ("backbone", "heads")])
    factors = [0.5, 1, 1, 1, 0.5, 0.375, 0.25, 0.125]
    np.testing.assert_allclose(seen, np.outer(factors, [1e-2, 4e-2]))


def test_it_goes_on_where_its_state_was_taken():
    goes_on_where_it_was(tagged_fold().train, STEPS)


def test_sizes_that_do_not_fit_are_refused_once_the_data_are_known():
    training = tagged_fold().train
    with pytest.raises(ConfigError, match=r"trainer.prototypes.pixels: expected at most 128, .* 16 cells, found 129"):
        trainer(training, prototypes=PrototypesConf(pixels=129))
    with pytest.raises(ConfigError, match=r"trainer.view_scale=0.1: the second view of images of 32 x 32 pixels is"):
        trainer(training, view_scale=0.1)
    trainer(training, view_scale=0.1, contrast=PhaseConf(steps=0))  # there is no second view
    trainer(training, prototypes=PrototypesConf(pixels=129), weights=SEAM)  # there is no prototype


def test_problems():
    def problems(conf):
        return {problem.key: problem.message for problem in conf.problems()}

    assert problems(STEPS) == {}
    nothing = dataclasses.replace(STEPS, classify=PhaseConf(), contrast=PhaseConf())
    assert problems(nothing) == {"classify.steps": "both phases have none; give one of them steps"}
    assert problems(PhaseConf(steps=3, warmup=4)) == {"warmup": "is longer than the phase of 3 steps"}
    assert "no negative is left" in problems(MiningConf(dropped=6))["last"]
    assert problems(MiningConf(band=[0.6, 0.1])) == {"band": "expected [smallest, largest], found [0.6, 0.1]"}
    assert problems(PrototypesConf(pixels=1.5)) == {
        "pixels": "from 1 on it is a number of pixels, which is whole; found 1.5"
    }
    assert problems(PrototypesConf(pixels=3.0)) == problems(PrototypesConf(pixels=0.3)) == {}
    assert "no pixel is left" in problems(MiningConf(band=[0.1, 0.1], random_share=0.0))["band"]


def test_what_does_not_fit_model_or_data_is_refused_before_a_run():
    def problems(**changes):
        return {p.key: p.message for p in dataclasses.replace(STEPS, **changes).fits(NETWORK, CANVASES)}

    assert problems() == {}
    assert problems(view_scale=0.1) == {
        "view_scale": "makes views of 3 pixels of images of 32, less than the network's stride of 4; use a larger one"
    }
    assert problems(prototypes=PrototypesConf(pixels=129)) == {
        "prototypes.pixels": "expected at most 128, all pixels of a batch on a grid of 16 cells, found 129"
    }
    assert problems(prototypes=PrototypesConf(pixels=129), grid=8) == {}
    assert problems(prototypes=PrototypesConf(pixels=129), weights=SEAM) == {}  # there is no prototype
    for name in CONTRASTS:
        one = dataclasses.replace(NONE, **{name: 1.0})
        assert problems(prototypes=PrototypesConf(pixels=129), weights=one).keys() == {"prototypes.pixels"}
    assert problems(view_scale=0.1, contrast=PhaseConf(steps=0)) == {}


@pytest.mark.slow
def test_contrast_with_prototypes_of_the_other_view_is_learned():
    """The running mean of raw L_cp falls after classification; single batches are too noisy to assert on."""
    conf = dataclasses.replace(CANVASES, train=200, digits=[1, 2], fragments=0, noise=0.05, data_seed=1)
    fold = tagged_fold(conf=conf)
    terms, _ = trained(
        fold,
        batch_size=24,
        classify=PhaseConf(steps=300),
        contrast=PhaseConf(steps=120, factor=0.25, power=0.9),
        weights=WeightsConf(cross_prototype=1.0, cross_map=0.1, intra=0.1),
    )
    raw = [step["cross_prototype"].item() for step in terms["contrast"]]
    assert np.mean(raw[-40:]) < np.mean(raw[:40]) - 0.1


@pytest.mark.parametrize("terms", [(), ("cross_prototype",), ("cross_map",), ("intra",), CONTRASTS])
def test_steps_are_those_of_a_plain_loop_over_classes(terms):
    fold = tagged_fold()
    model = ClassMaps(dataclasses.replace(NETWORK, correlation=CORRECTED), fold.train.shape, Streams(0))
    weights = WeightsConf(1, 1, 1, *(0.1 * (name in terms) for name in CONTRASTS))
    contrast = PhaseConf(steps=3, frozen_statistics=True)
    changes = {"weights": weights, "classify": PhaseConf(), "contrast": contrast}
    procedure = trainer(fold.train, model=model, prototypes=PrototypesConf(ties="first"), **changes)
    plain = PlainContrast(model, STEPS.heads.lr, terms)
    (phase,) = procedure.phases()
    phase.begin()
    batches, hard = EpochSampler(len(fold.train), Streams(0)["batches"]), Streams(0)["hard_pixels"]
    for _ in range(phase.steps):
        x, tags = fold.train.take(batches.draw(STEPS.batch_size))
        pixels = 8 * 16
        draws = tuple(torch.rand(pixels, generator=hard) for _ in range(2)) if "intra" in terms else ((), ())
        loss = phase.step().terms["loss"]
        torch.testing.assert_close(loss, plain.step(x, tags, draws), rtol=2e-4, atol=1e-5)
    after = plain.network.state_dict()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, after[name], rtol=0, atol=2e-3)

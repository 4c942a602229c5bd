"""Class maps from masks: whose masks training sees, which parameter which term moves, schedule, resume, learning."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.tagged import (
    CANVASES,
    MASKED_STEPS,
    NETWORK,
    STEPS,
    goes_on_where_it_was,
    network,
    run_phases,
    tagged_fold,
    trainer,
)
from tests.weights import reached, same, weights_of
from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.sources.digit_canvas.source import load_tagged
from zsl_runner.data.sources.image_folder.conf import TaggedFolderConf
from zsl_runner.trainers.class_mapping_conf import PhaseConf


def fold_of(records=None, conf=CANVASES):
    return tagged_fold(records, conf, MASKED_STEPS)


def trained(records, **changes):
    procedure = trainer(fold_of(records).train, MASKED_STEPS, **changes)
    return run_phases(procedure), weights_of(procedure)


def turned(records, rows):
    """Return records with the masks of some images upside down."""
    masks = records.masks.copy()
    masks[rows] = masks[rows][:, ::-1]
    assert not np.array_equal(masks, records.masks)
    return dataclasses.replace(records, masks=masks)


def test_masks_of_training_images_alone_reach_the_weights():
    records = load_tagged(CANVASES)
    terms, weights = trained(records)
    others = turned(records, np.concatenate([records.validation, records.test]))
    other_terms, same_weights = trained(others)
    assert same(weights, same_weights)
    assert str(terms) == str(other_terms)
    _, changed = trained(turned(records, records.train))
    assert not same(weights, changed)


def test_both_phases_have_the_terms_of_tags_and_pixels():
    terms, _ = trained(None)
    assert terms.keys() == {"first", "second"}
    assert all(step.keys() == {"tags", "plain", "refined", "loss"} for steps in terms.values() for step in steps)
    only, _ = trained(None, second=PhaseConf())
    assert only.keys() == {"first"}


def test_what_the_terms_move():
    fold = fold_of()
    expected = {"tags": {"backbone", "classes"}, "plain": {"backbone", "classes"}, "refined": {"correlation"}}
    for term, parts in expected.items():
        procedure = trainer(fold.train, MASKED_STEPS)
        procedure.terms(*fold.train.take(torch.arange(8)))[term].backward()
        assert reached(procedure.model) == parts, term


def test_void_pixels_have_no_part_in_the_terms():
    """The loss over all pixels is the mean of those over either half."""
    training = fold_of().train
    procedure = trainer(training, MASKED_STEPS)
    x, tags, masks = training.take(torch.arange(8))
    halves = masks.clone(), masks.clone()
    halves[0][:, ::2], halves[1][:, 1::2] = VOID, VOID
    whole, *parts = (procedure.terms(x, tags, seen) for seen in (masks, *halves))
    for name in ("plain", "refined"):
        assert not torch.equal(parts[0][name], parts[1][name])
        torch.testing.assert_close((parts[0][name] + parts[1][name]) / 2, whole[name])
    assert torch.equal(parts[0]["tags"], whole["tags"])


def test_the_background_is_where_no_map_exceeds_its_logit():
    training = fold_of().train
    images = training.take(torch.arange(8))
    low, high = (trainer(training, MASKED_STEPS, background_logit=b).terms(*images) for b in (0.0, 20.0))
    assert torch.equal(low["tags"], high["tags"])
    assert torch.equal(low["refined"], high["refined"])
    share = (images.masks > 0).double().mean().item()
    assert high["plain"].item() == pytest.approx(20 * share, rel=0.1)  # all is background, at a cost of 20 a pixel
    assert low["plain"].item() == pytest.approx(np.log(11), rel=0.1)  # maps of a new network are small


def test_batches_and_learning_rates_are_those_of_training_from_tags():
    """At one seed the same images in the same order, mirrored alike; the same schedule."""
    conf = dataclasses.replace(CANVASES, flip=True)
    first, second = PhaseConf(steps=4, warmup=2), PhaseConf(steps=4, factor=0.5, power=1.0)
    masked = trainer(fold_of(conf=conf).train, MASKED_STEPS, first=first, second=second)
    tagged = trainer(tagged_fold(conf=conf).train, STEPS, classify=first, contrast=second)
    for one, other in zip(masked.phases(), tagged.phases(), strict=True):
        one.begin(), other.begin()
        for _ in range(one.steps):
            drawn, expected = one.step.draw(), other.step.draw()
            assert torch.equal(drawn.x, expected.x)
            assert torch.equal(drawn.tags, expected.tags)
            assert drawn.masks is not None
            assert expected.masks is None
            rates = [found.context.optimisers.state_dict()["optimisers"] for found in (masked, tagged)]
            for group in ("backbone", "heads"):
                assert rates[0][group]["param_groups"][0]["lr"] == rates[1][group]["param_groups"][0]["lr"]
            one.step.finish(), other.step.finish()


def test_it_goes_on_where_its_state_was_taken():
    goes_on_where_it_was(fold_of(conf=dataclasses.replace(CANVASES, flip=True)).train, MASKED_STEPS)


def test_problems():
    nothing = dataclasses.replace(MASKED_STEPS, first=PhaseConf(), second=PhaseConf())
    assert [problem.key for problem in nothing.problems()] == ["first.steps"]
    assert not list(MASKED_STEPS.problems())


def test_data_without_masks_are_refused_before_a_run():
    folder = TaggedFolderConf(name="mine", root="mine", classes=["background", "cat"])
    (problem,) = MASKED_STEPS.fits(NETWORK, folder)
    assert problem.key == "kind"
    assert "dataset.masks names none" in problem.message
    assert "e.g. dataset.masks=masks" in problem.message
    assert not list(MASKED_STEPS.fits(NETWORK, dataclasses.replace(folder, masks="masks")))
    assert not list(MASKED_STEPS.fits(NETWORK, CANVASES))
    assert not list(STEPS.fits(NETWORK, folder))


def test_pixels_are_learned():
    training = fold_of().train.limited(4)
    conf = dataclasses.replace(
        MASKED_STEPS, batch_size=4, background_logit=5.0, first=PhaseConf(steps=30), second=PhaseConf()
    )
    correlation = dataclasses.replace(NETWORK.correlation, centred=True, power=4.0, tagged=True)
    model = network(training.shape, dataclasses.replace(NETWORK, correlation=correlation))
    (steps,) = run_phases(trainer(training, conf, model)).values()
    for term in ("plain", "refined"):
        losses = [float(step[term]) for step in steps]
        assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:3]), (term, losses)

"""Leak guards of the folds, and what the views hand out."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.zero_shot import zero_shot_folds
from zsl_runner.config.schema import TrainerConf
from zsl_runner.data.load import load
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.zero_shot.draws import draw_validation_classes, held_out_rows, thinned
from zsl_runner.data.zero_shot.folds import ZeroShotFolds
from zsl_runner.data.zero_shot.folds import zero_shot_folds as folds_of_run
from zsl_runner.errors import DataError

SCALINGS = ("none", "minmax", "standard", "l2", "center_l2", "center_l2_standard")
STAGES = ("tune", "final")


def cut(records, stage, **options):
    return zero_shot_folds(records, **options).cut(stage)


def every_row(view):
    return view.take(torch.arange(len(view)))


def rows_of(view):
    return set(view._rows.tolist())


def training_tensors(fold):
    data = fold.train
    found = [every_row(data.features), data.labels, data.class_vectors, data.labelled_classes, data.unseen_classes]
    return found + ([] if data.unseen_prior is None else [data.unseen_prior])


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_test_rows_never_influence_what_training_sees(records, stage, scaling):
    """Replacing all test features changes no bit of the training set, whatever the scaling."""
    outside = np.concatenate([records.test_seen, records.test_unseen])
    features = records.features.copy()
    features[outside] = 1e6 * np.random.default_rng(1).normal(size=(len(outside), features.shape[1]))
    other = dataclasses.replace(records, features=features)
    options = {"feature_scaling": scaling, "semantic_scaling": "standard"}
    for mine, changed in zip(
        training_tensors(cut(records, stage, **options)), training_tensors(cut(other, stage, **options)), strict=True
    ):
        assert torch.equal(mine, changed)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_validation_rows_never_influence_the_training_rows_of_the_tune_stage(records, scaling):
    fold = cut(records, "tune", feature_scaling=scaling)
    outside = list(rows_of(fold.evaluation.seen) | rows_of(fold.evaluation.unseen))
    features = records.features.copy()
    features[outside] += 1e5
    other = cut(dataclasses.replace(records, features=features), "tune", feature_scaling=scaling)
    assert torch.equal(every_row(fold.train.features), every_row(other.train.features))


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("scaling", ["standard", "center"])
def test_class_vectors_are_scaled_by_those_of_the_training_classes_alone(records, stage, scaling):
    own = cut(records, stage, semantic_scaling=scaling).train
    others = np.setdiff1d(np.arange(len(records.class_vectors)), own.labelled_classes.numpy())
    vectors = records.class_vectors.copy()
    vectors[others] += 7
    other = cut(dataclasses.replace(records, class_vectors=vectors), stage, semantic_scaling=scaling).train
    assert torch.equal(own.class_vectors[own.labelled_classes], other.class_vectors[own.labelled_classes])


@pytest.mark.parametrize("stage", STAGES)
def test_labels_of_evaluation_rows_never_reach_training(records, stage):
    """Shuffling the labels of test rows within their split leaves the training set as it is."""
    labels = records.labels.copy()
    generator = np.random.default_rng(0)
    for index in (records.test_seen, records.test_unseen):
        labels[index] = generator.permutation(labels[index])
    other = dataclasses.replace(records, labels=labels)
    for mine, changed in zip(training_tensors(cut(records, stage)), training_tensors(cut(other, stage)), strict=True):
        assert torch.equal(mine, changed)


def test_the_tune_stage_sees_no_unseen_class_and_no_test_row(records):
    fold = cut(records, "tune", unlabelled=True)
    used = rows_of(fold.train.features) | rows_of(fold.evaluation.seen) | rows_of(fold.evaluation.unseen)
    assert used == set(records.trainval.tolist())
    assert rows_of(fold.train.unlabelled) == rows_of(fold.evaluation.unseen)
    unseen = set(records.unseen_classes.tolist())
    for ids in (
        fold.train.labels,
        fold.train.labelled_classes,
        fold.train.unseen_classes,
        fold.evaluation.seen_labels,
        fold.evaluation.unseen_labels,
        fold.evaluation.seen_classes,
        fold.evaluation.unseen_classes,
    ):
        assert not set(ids.tolist()) & unseen


def test_the_tune_stage_divides_the_seen_classes(records):
    fold = cut(records, "tune", holdout=0.2)
    validation = set(records.validation_classes.tolist())
    training = set(records.seen_classes.tolist()) - validation
    assert set(fold.train.labelled_classes.tolist()) == set(fold.train.labels.tolist()) == training
    assert set(fold.evaluation.seen_labels.tolist()) == training
    assert set(fold.evaluation.unseen_labels.tolist()) == set(fold.train.unseen_classes.tolist()) == validation
    assert not rows_of(fold.train.features) & rows_of(fold.evaluation.seen)
    # 20 rows of each class: 16 to train on, 4 held out.
    assert torch.bincount(fold.train.labels)[list(training)].tolist() == [16] * 4
    assert torch.bincount(fold.evaluation.seen_labels)[list(training)].tolist() == [4] * 4
    assert fold.evaluation.name == "val"


def test_the_final_stage_is_the_split(records):
    fold = cut(records, "final")
    assert rows_of(fold.train.features) == set(records.trainval.tolist())
    assert rows_of(fold.evaluation.seen) == set(records.test_seen.tolist())
    assert rows_of(fold.evaluation.unseen) == set(records.test_unseen.tolist())
    assert fold.train.unlabelled is None
    assert fold.train.unseen_prior is None
    assert fold.evaluation.name == "test"


@pytest.mark.parametrize("stage", ["Final", "test", "tuning", ""])
def test_a_misspelt_stage_opens_nothing(records, stage):
    with pytest.raises(ValueError, match="unknown stage"):
        cut(records, stage)


def test_inductive_training_gets_no_unlabelled_rows_and_no_prior(records):
    trainer = TrainerConf(kind="x", name="x")
    conf = ToyConf(name="toy", feature_scaling="minmax", holdout=0.3, holdout_seed=5)
    folds = folds_of_run(records, conf, trainer, torch.device("cpu"))
    assert folds.conf is conf
    assert folds.final().train.unlabelled is None
    assert folds.final().train.unseen_prior is None


def test_transductive_training_gets_what_it_declares(records):
    class Transductive(TrainerConf):
        needs = frozenset({"unlabelled"})

        def prior_source(self):
            return "known"

    folds = folds_of_run(records, ToyConf(name="toy"), Transductive(kind="x", name="x"), torch.device("cpu"))
    train = folds.final().train
    assert torch.equal(train.unlabelled.rows, torch.from_numpy(records.test_unseen))
    assert train.unseen_prior is not None


def test_the_known_prior_is_the_frequency_of_the_unseen_rows(records):
    rows = np.concatenate([records.test_unseen[:30], records.test_unseen[30:45], records.test_unseen[60:75]])
    fold = cut(dataclasses.replace(records, test_unseen=rows), "final", known_prior=True)
    assert fold.train.unseen_classes.tolist() == [6, 7, 8]
    torch.testing.assert_close(fold.train.unseen_prior, torch.tensor([0.5, 0.25, 0.25]))


def test_features_are_held_once(records):
    folds = zero_shot_folds(records)
    pointer = records.features.ctypes.data
    for stage in STAGES:
        fold = folds.cut(stage)
        for view in (fold.train.features, fold.evaluation.seen, fold.evaluation.unseen):
            assert view._matrix.data_ptr() == pointer


def test_blocks_hand_out_every_row_in_order(records):
    view = cut(records, "final", feature_scaling="standard").train.features
    positions, rows = zip(*view.blocks(7), strict=True)
    assert torch.equal(torch.cat(positions), torch.arange(len(view)))
    assert torch.equal(torch.cat(rows), every_row(view))
    assert max(map(len, rows)) == 7
    assert view.width == records.features.shape[1]


@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_held_out_rows_divide_each_class(counts, share, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    rows = np.arange(len(labels))
    kept, held = held_out_rows(labels, rows, share, seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), rows)
    assert (np.diff(kept) > 0).all()
    assert (np.diff(held) > 0).all()
    for label, count in enumerate(counts):
        out = int((labels[held] == label).sum())
        assert out == min(max(1, round(share * count)), count - 1)
    again = held_out_rows(labels, rows, share, seed)
    np.testing.assert_array_equal(again[1], held)


def test_the_holdout_draw_depends_on_its_seed(records):
    draws = {held_out_rows(records.labels, records.trainval, 0.2, seed)[1].tobytes() for seed in range(5)}
    assert len(draws) == 5


def test_validation_draw():
    seen = np.array([3, 5, 8, 9, 11, 20, 21, 22, 23, 24])
    assert len(draw_validation_classes(seen, None, 0)) == 2
    drawn = draw_validation_classes(seen, 4, 1)
    assert (np.diff(drawn) > 0).all()
    assert set(drawn.tolist()) < set(seen.tolist())
    assert len({draw_validation_classes(seen, 4, seed).tobytes() for seed in range(6)}) > 1
    assert len(draw_validation_classes(seen[:2], None, 0)) == 1
    with pytest.raises(DataError, match="fewer than the 10 seen classes, found 10"):
        draw_validation_classes(seen, 10, 0)


def test_unseen_rows_are_thinned_in_both_stages_and_nothing_else_is(records):
    plain = {stage: cut(records, stage, unlabelled=True) for stage in ("tune", "final")}
    for stage, ratio in (("tune", 5.0), ("final", 10.0)):
        fold = cut(records, stage, unlabelled=True, unseen_imbalance=ratio)
        counts = torch.bincount(fold.evaluation.unseen_labels)[fold.train.unseen_classes].sort().values
        full = torch.bincount(plain[stage].evaluation.unseen_labels)[fold.train.unseen_classes]
        assert counts[-1] == full.max()
        assert counts[0] == -(-full.max() // int(ratio))
        assert len(fold.train.unlabelled) == len(fold.evaluation.unseen) == counts.sum()
        assert torch.equal(fold.train.labels, plain[stage].train.labels)
        assert torch.equal(fold.evaluation.seen_labels, plain[stage].evaluation.seen_labels)
    again = cut(records, "final", unlabelled=True, unseen_imbalance=10.0)
    assert torch.equal(again.evaluation.unseen_labels, fold.evaluation.unseen_labels)
    other = cut(records, "final", unlabelled=True, unseen_imbalance=10.0, unseen_imbalance_seed=1)
    assert not torch.equal(other.evaluation.unseen_labels, fold.evaluation.unseen_labels)


@pytest.mark.parametrize(("imbalance", "sizes"), [(1.0, [10, 10, 10]), (4.0, [3, 5, 10]), (1e6, [1, 1, 10])])
def test_a_thinned_class_keeps_the_share_of_its_rank_rounded_up(imbalance, sizes):
    labels = np.repeat([0, 1, 2], 10)
    kept = thinned(labels, np.arange(30), imbalance, seed=0)
    assert sorted(np.bincount(labels[kept])) == sizes


def test_a_thinned_data_set_says_so_in_the_name_of_its_split():
    conf = ToyConf(name="toy", unseen_imbalance=4.0)
    assert load(conf).provenance.split_version.endswith(", unseen rows thinned 4:1 (seed 0)")
    assert load(ToyConf(name="toy")).provenance.split_version == "own (toy, seed 0)"


def test_a_thinned_data_set_says_how_many_rows_a_run_uses():
    conf = ToyConf(name="toy", unseen_imbalance=4.0)
    records = load(conf)
    used = len(ZeroShotFolds(records, conf, torch.device("cpu")).final().evaluation.unseen)
    assert 0 < used < 960
    note = f"runs use {used} of the 960 test_unseen rows; sizes and other notes are of all of them"
    assert records.provenance.notes[-1] == note
    assert not any("runs use" in text for text in load(ToyConf(name="toy")).provenance.notes)

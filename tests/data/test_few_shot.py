"""The few-shot setting: labelled rows of unseen classes are of the training set, and of no evaluation set."""

import contextlib
import dataclasses

import numpy as np
import pytest
import torch

from tests.data.data_command import run
from tests.data.test_folds import SCALINGS, STAGES, every_row, rows_of, training_tensors
from tests.zero_shot import zero_shot_folds
from zsl_runner.config.schema import EvaluatorConf, ModelConf, TrainerConf
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.load import load
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.zero_shot.draws import drawn_of_each, thinned
from zsl_runner.data.zero_shot.new_rows import with_classes
from zsl_runner.data.zero_shot.options import ZeroShotConf
from zsl_runner.errors import ConfigError, OptionError
from zsl_runner.trainers.transductive.conf import TransductiveTrainerConf


def cut(records, stage, shots, **options):
    return zero_shot_folds(records, shots=shots, **options).cut(stage)


@pytest.mark.parametrize("shots", [1, 4])
@pytest.mark.parametrize("stage", STAGES)
def test_labelled_rows_of_unseen_classes_move_from_the_evaluation_to_the_training_set(records, stage, shots):
    plain, fold = cut(records, stage, 0), cut(records, stage, shots)
    unseen, seen_rows = plain.train.unseen_classes, len(plain.train.labels)
    few = fold.train.labels[seen_rows:]
    assert torch.equal(few.bincount(minlength=9)[unseen], torch.full((len(unseen),), shots))
    assert len(few) == shots * len(unseen)
    moved = rows_of(fold.train.features) - rows_of(plain.train.features)
    assert len(moved) == len(few)
    assert moved <= rows_of(plain.evaluation.unseen)
    assert rows_of(fold.evaluation.unseen) == rows_of(plain.evaluation.unseen) - moved
    assert records.labels[sorted(moved)].tolist() == sorted(few.tolist())
    assert set(fold.evaluation.unseen_labels.tolist()) == set(unseen.tolist())


@pytest.mark.parametrize("stage", STAGES)
def test_the_seed_of_the_draw_is_an_option(records, stage):
    moved = [rows_of(cut(records, stage, 2, shots_seed=seed).train.features) for seed in (0, 0, 1)]
    assert moved[0] == moved[1]
    assert moved[0] != moved[2]


@pytest.mark.parametrize("stage", STAGES)
def test_labelled_rows_of_unseen_classes_come_last(records, stage):
    last = len(records.labels) - 1
    turned = dataclasses.replace(
        records,
        features=records.features[::-1].copy(),
        labels=records.labels[::-1].copy(),
        **{name: np.sort(last - getattr(records, name)) for name in ("trainval", "test_seen", "test_unseen")},
    )
    train = cut(turned, stage, 2).train
    of_unseen = torch.isin(train.labels, train.unseen_classes)
    assert of_unseen.tolist() == sorted(of_unseen.tolist())
    assert torch.equal(train.labels, torch.from_numpy(turned.labels)[train.features._rows])


@pytest.mark.parametrize("stage", STAGES)
def test_all_else_stays_as_it_is(records, stage):
    options = {"semantic_scaling": "standard", "unlabelled": True, "known_prior": True}
    plain, fold = cut(records, stage, 0, **options), cut(records, stage, 3, **options)
    assert torch.equal(fold.train.labels[: len(plain.train.labels)], plain.train.labels)
    assert torch.equal(every_row(fold.train.features)[: len(plain.train.labels)], every_row(plain.train.features))
    assert torch.equal(fold.train.class_vectors, plain.train.class_vectors)
    assert torch.equal(fold.train.unseen_classes, plain.train.unseen_classes)
    assert torch.equal(fold.evaluation.seen_classes, plain.evaluation.seen_classes)
    assert torch.equal(fold.evaluation.unseen_classes, plain.evaluation.unseen_classes)
    assert torch.equal(fold.evaluation.seen_labels, plain.evaluation.seen_labels)
    assert torch.equal(plain.train.labelled_classes, plain.evaluation.seen_classes)
    both = torch.cat([plain.evaluation.seen_classes, plain.train.unseen_classes])
    assert torch.equal(fold.train.labelled_classes, both.sort().values)


def test_the_unlabelled_pool_and_its_frequencies_are_of_the_rows_that_are_left(records):
    fold = cut(records, "final", 5, unlabelled=True, known_prior=True, unseen_imbalance=3.0)
    assert rows_of(fold.train.unlabelled) == rows_of(fold.evaluation.unseen)
    assert torch.equal(fold.train.unseen_prior, fold.evaluation.unseen_frequencies())
    thinned = cut(records, "final", 0, unlabelled=True, unseen_imbalance=3.0)
    assert rows_of(fold.evaluation.unseen) < rows_of(thinned.evaluation.unseen)


def test_more_rows_hold_the_fewer_ones_and_a_seed_draws_its_own(records):
    args = records.labels, records.test_unseen
    draws = [set(drawn_of_each(*args, count, 3, records.class_names)[0].tolist()) for count in (1, 2, 7)]
    assert draws[0] < draws[1] < draws[2]
    again, left = drawn_of_each(*args, 2, 3, records.class_names)
    assert (np.diff(again) > 0).all()
    assert set(again.tolist()) == draws[1]
    assert not set(left.tolist()) & draws[1]
    assert sorted([*again, *left]) == sorted(records.test_unseen)
    assert len({drawn_of_each(*args, 2, seed, records.class_names)[0].tobytes() for seed in range(5)}) == 5


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_rows_that_are_left_never_influence_what_training_sees(records, stage, scaling):
    """Replacing the features of all test rows but the labelled ones changes no bit of the training set."""
    fold = cut(records, stage, 3, feature_scaling=scaling)
    outside = list(rows_of(fold.evaluation.seen) | rows_of(fold.evaluation.unseen))
    features = records.features.copy()
    features[outside] = 1e6 * np.random.default_rng(1).normal(size=(len(outside), features.shape[1]))
    other = cut(dataclasses.replace(records, features=features), stage, 3, feature_scaling=scaling)
    for mine, changed in zip(training_tensors(fold), training_tensors(other), strict=True):
        assert torch.equal(mine, changed)


def test_a_class_keeps_a_row_to_evaluate_on(records):
    assert len(cut(records, "final", 29).evaluation.unseen) == 3
    few = r"dataset\.shots: expected at most 29, for class class_6 has 30 rows .* found 30"
    with pytest.raises(ConfigError, match=few):
        ZeroShotConf(name="x", shots=30).split_in_use(records)  # as soon as records are loaded
    with pytest.raises(ConfigError, match="expected at most 19, for class class_4 has 20 rows"):
        cut(records, "tune", 20)
    with pytest.raises(ConfigError, match=r"expected at most \d, for class"):
        ZeroShotConf(name="x", shots=10, unseen_imbalance=10.0).split_in_use(
            records
        )  # of 30 rows of a class 3 are left


def test_the_record_tells_of_the_setting_and_of_the_rows():
    conf = ToyConf(name="toy", shots=5, shots_seed=2)
    told = {"kind": "few-shot, 5 labelled rows of each unseen class", "shots_seed": "2", "class_prior": "uniform"}
    assert conf.setting(ModelConf(), TrainerConf()) == told
    two = ToyConf(name="toy", shots=2).setting(ModelConf(), TrainerConf())
    assert two["kind"] == "few-shot, 2 labelled rows of each unseen class"
    one = ToyConf(name="toy", shots=1).setting(ModelConf(), TransductiveTrainerConf())
    assert one["kind"] == "transductive few-shot, 1 labelled row of each unseen class"
    told = load(conf).provenance
    assert told.notes[-1] == "runs train on 5 of the rows of each unseen class and are tested on the others"
    assert told.split_version == "own (toy, seed 0)"


def test_zsl_data_refuses_what_a_run_would(tmp_path, capsys):
    synthesize(tmp_path / "mine", ToyConf(name="toy", unseen_rows=6))
    for shots, code in ((5, 0), (6, 2)):
        found, printed, told = run(capsys, "verify", "xlsa17", "--source", tmp_path / "mine", f"shots={shots}")
        assert found == code
    assert "dataset.shots: expected at most 5, for class class_023 has 6 rows" in told
    assert "invariants hold" not in printed


def test_all_rows_of_another_folder_are_for_evaluation(tmp_path):
    """What says how rows and classes of the run's own files are divided neither counts nor is told of others."""
    synthesize(tmp_path / "there", ToyConf(name="toy", seen=4, train_rows=5))
    conf = XLSA17Conf(name="mine", root="here", shots=500, unseen_imbalance=10.0, validation_classes=9)
    told = load(conf.moved_to(str(tmp_path / "there"))).provenance
    assert "thinned" not in told.split_version
    assert not [note for note in told.notes if "runs" in note]


def test_classes_of_ones_own_take_the_place_of_those_with_labelled_rows(records):
    fold = cut(records, "final", 3)
    own = with_classes(fold, fold.train.class_vectors[:2], ["one", "two"])
    assert own.train.unseen_classes.tolist() == [9, 10]
    assert torch.equal(own.train.labels, fold.train.labels)
    assert torch.equal(own.evaluation.seen_classes, fold.evaluation.seen_classes)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, {"tune": 5, "final": 8}),
        ({"unseen_imbalance": 3.0}, {"tune": 5, "final": 2}),  # of one validation class nothing is thinned
        ({"unseen_imbalance": 3.0, "validation_classes": 2}, {"tune": 1, "final": 2}),
    ],
)
def test_the_check_refuses_just_the_labelled_rows_that_toy_data_do_not_have(stage, options, most):
    for shots in (most[stage], most[stage] + 1):
        conf = ToyConf(name="toy", seen=4, unseen=2, train_rows=6, unseen_rows=9, shots=shots, **options)
        records = load(dataclasses.replace(conf, shots=0))
        rows, found = records.test_unseen, conf.problems()
        if stage == "tune":
            is_validation = np.isin(records.labels[records.trainval], records.validation_classes)
            rows, found = records.trainval[is_validation], conf.fits(EvaluatorConf(stages=["tune"]))
        rows = thinned(records.labels, rows, conf.unseen_imbalance, 0)
        refused = contextlib.nullcontext() if shots == most[stage] else pytest.raises(OptionError, match="at most")
        with refused:
            drawn_of_each(records.labels, rows, shots, 0, records.class_names)
        assert [problem.key for problem in found] == ["shots"] * (shots > most[stage])


def test_rows_of_validation_classes_are_counted_where_there_is_a_tune_stage():
    conf = ToyConf(name="toy", shots=100)
    assert not [*conf.problems(), *conf.fits(EvaluatorConf(stages=["final"]))]
    assert [problem.key for problem in conf.fits(EvaluatorConf())] == ["shots"]

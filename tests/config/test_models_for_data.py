"""A model's file says what it is for: its values, trainer and evaluator; parts that were picked stay as they are."""

import pytest
import yaml

from zsl_runner.config.compose import compose
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.schema import GROUPS

CONF = conf_directory()
EVERY_RUN = {"config", "runtime/default", "tracker/default", "debug/none"}


@pytest.mark.parametrize(
    ("model", "dataset", "trainer", "evaluator"),
    [
        ("cvae", "cub", "cvae_features", "final_classifier"),
        ("sgal", "cub", "em", "zsl"),
        ("f_clswgan", "cub", "feature_gan", "final_classifier"),
        ("aae/clustering", "mnist_images", "aae_adam", "autoencoding_clusters"),
    ],
)
def test_four_files_say_what_a_model_on_a_data_set_is(loader, model, dataset, trainer, evaluator):
    layers = compose(loader, [f"model={model}", f"dataset={dataset}"]).layers
    files = {layer.origin.file.relative_to(CONF).with_suffix("").as_posix() for layer in layers if layer.origin.file}
    assert files - EVERY_RUN == {
        f"model/{model}",
        f"dataset/{dataset}",
        f"trainer/{trainer}",
        f"evaluator/{evaluator}",
    }


def test_every_option_of_a_part_starts_from_a_schema(loader):
    missing = [
        f"{group}={option}"
        for group in GROUPS
        for option in loader.options(group)
        if loader.kind_of_option(group, option) is None
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("model", "dataset", "trainer"),
    [
        ("cvae", "toy", "cvae"),
        ("cvae", "toy", "gsnn"),
        ("cvae", "toy", "hybrid"),
        ("cvae", "toy", "nn"),
        ("cvae_images", "digits_images", "hybrid"),
        ("cvae_pairs", "digits_quadrant", "hybrid"),
        ("aae/features", "toy", "aae_adam"),
        ("aae/features", "toy", "aae_paper"),
    ],
)
def test_a_trainer_that_was_picked_keeps_its_own_values(verdict, model, dataset, trainer):
    found = verdict(f"model={model}", f"dataset={dataset}", f"trainer={trainer}")
    assert found.problems == ()
    values = yaml.safe_load((CONF / "trainer" / f"{trainer}.yaml").read_text())
    for key in ("name", "epochs", "batch_size", "evaluate_every"):
        assert getattr(found.config.trainer, key) == values[key]


def test_an_evaluator_that_was_picked_keeps_its_own_values(verdict):
    usual = verdict("model=aae/clustering", "dataset=digits_images").config.evaluator
    picked = verdict("model=aae/clustering", "dataset=digits_images", "evaluator=autoencoding").config.evaluator
    assert (usual.select_metric, picked.select_metric) == ("val/error_majority", "val/reconstruction")


@pytest.mark.parametrize(
    ("model", "dataset", "others"),
    [
        ("cvae", "digits_quadrant", "model=cvae_images, model=cvae_pairs"),
        ("cvae", "digits_images", "model=cvae_images, model=cvae_pairs"),
        ("cvae_pairs", "toy", "model=cvae"),
        ("aae/supervised", "toy", "model=aae/features"),
    ],
)
def test_a_model_for_other_data_names_the_one_for_these(problems, model, dataset, others):
    message, _ = problems(f"model={model}", f"dataset={dataset}")["evaluator"]
    assert f"\nmade for dataset={dataset}: {others}\n" in message


@pytest.mark.parametrize(
    ("path", "line", "key", "words"),
    [
        ("dataset", "override /data_kind@_global_.data_kind: images", "configuration", "file does without it"),
        (
            "model",
            "override /evaluator@_global_.evaluator: g/${data_kind}",
            "configuration",
            "has to name the evaluator itself",
        ),
        ("model", "/scaling@_global_: sphere", "scaling", "as conf/model/bi_vaegan.yaml does"),
    ],
)
def test_a_users_file_that_names_a_group_of_earlier_versions(problems, tmp_path, path, line, key, words):
    file = tmp_path / "own" / path / "mine.yaml"
    file.parent.mkdir(parents=True)
    schema = {"dataset": "toy", "model": "sgal"}[path]
    file.write_text(f"defaults:\n  - /schema/{path}/{schema}@_here_\n  - _self_\n  - {line}\nname: mine\n")
    message, _ = problems(f"{path}=mine", extra=tmp_path / "own")[key]
    assert words in message


def test_a_users_model_may_start_from_one_that_scales_its_data(verdict, tmp_path):
    file = tmp_path / "own" / "model" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("defaults: [bi_vaegan, _self_]\nname: mine\nhidden: 8\n")
    found = verdict("model=mine", "dataset=toy", extra=tmp_path / "own", strictly=True)
    assert found.problems == ()
    assert (found.config.model.hidden, found.config.dataset.feature_scaling) == (8, "l2")
    assert found.config.trainer.name == "feature_gan_transductive"

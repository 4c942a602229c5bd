import pytest
import yaml
from hydra.types import RunMode
from omegaconf import OmegaConf, open_dict

from zsl_runner.config.compose import compose
from zsl_runner.config.draft import Draft
from zsl_runner.config.hashes import config_hash
from zsl_runner.config.identity import flatten
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain, to_yaml, typed
from zsl_runner.errors import ConfigError


@pytest.mark.parametrize(
    "arguments", [[], ["model=vzsl", "trainer=transductive", "dataset=toy", "seed=3", "runtime=cpu"]]
)
def test_the_check_and_hydra_compose_the_same(verdict, loader, arguments, tmp_path):
    composed = loader.load_configuration("config", [f"outputs={tmp_path}/outputs", *arguments], RunMode.RUN)
    with open_dict(composed):
        del composed["hydra"]
    assert typed(composed) == verdict(*arguments).config


FOLDERS = sorted((conf_directory() / "experiment").iterdir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_they_do_for_an_experiment_of_each_method(loader, folder):
    arguments = [f"experiment={folder.name}/{min(folder.iterdir()).stem}"]
    composed = loader.load_configuration("config", arguments, RunMode.RUN)
    with open_dict(composed):
        del composed["hydra"]
    config = Draft(compose(loader, arguments)).build()
    assert typed(composed) == config
    # The plain values are those OmegaConf makes of the object, in type and in order, too.
    assert repr(plain(config)) == repr(OmegaConf.to_container(OmegaConf.structured(config), resolve=True))


def test_a_saved_configuration_comes_back_as_the_same_object(verdict):
    config = verdict("model=vzsl", "name=mine", "+reference.metrics={test/H: 3}").config
    again = typed(OmegaConf.create(yaml.safe_load(to_yaml(config))))
    assert again == config
    assert type(again.model) is type(config.model)


def test_saved_values_are_resolved(verdict):
    text = to_yaml(verdict("seed=${trainer.batch_size}").config)
    assert "seed: 64" in text
    assert "${" not in text


def test_a_key_that_the_schema_does_not_know_is_refused(verdict):
    values = plain(verdict().config)
    values["model"]["typo"] = 1
    with pytest.raises(ConfigError, match="typo"):
        typed(OmegaConf.create(values))


def test_a_kind_that_does_not_exist_is_refused(verdict):
    values = plain(verdict().config)
    values["model"]["kind"] = "sgall"
    with pytest.raises(ConfigError, match=r"model\.kind: expected one of .*sgal.*, found 'sgall'"):
        typed(OmegaConf.create(values))


def hashed(verdict, *arguments):
    found = verdict(*arguments)
    assert isinstance(found.config, RunConfig), found.problems
    return config_hash(plain(found.config))


def test_the_hash_ignores_what_does_not_change_a_result(verdict, tmp_path):
    harmless = ["seed=7", "name=x", "outputs=/tmp", "tracker=minimal", "checkpoint.every=3", "runtime.threads=2"]
    assert hashed(verdict, *harmless, "task=check", "reference.note=n", "runtime.device=cpu") == hashed(verdict)


def test_a_neutral_option_counts_when_it_is_used(verdict):
    """Its key came later: with its default a run has the hash that it had before there was the key."""
    contrast = ["model=class_maps", "dataset=tagged_canvas_embedded", "trainer=prototype_contrast"]
    values = plain(verdict(*contrast, "model.correlation.power=1").config)
    hashed_now = config_hash(values)
    del values["model"]["weights"], values["model"]["correlation"]["power"]
    del values["trainer"]["classify"]["frozen_statistics"]
    assert config_hash(values) == hashed_now
    assert hashed(verdict, *contrast, "model.correlation.power=2") != hashed_now


@pytest.mark.parametrize("argument", ["model.latent_dim=3", "dataset=toy", "trainer.optim.lr=0.5", "evaluator.every=7"])
def test_the_hash_changes_with_what_does(verdict, argument):
    assert hashed(verdict, argument) != hashed(verdict)


def test_the_hash_does_not_know_where_the_data_lie(verdict, tmp_path):
    hashes = set()
    for place in ("here", "there"):
        folder = tmp_path / place
        folder.mkdir()
        for name in ("res101.mat", "att_splits.mat"):
            (folder / name).write_bytes(b"x")
        hashes.add(hashed(verdict, "dataset=xlsa17", "dataset.name=mine", f"dataset.root={folder}"))
    assert len(hashes) == 1


def test_flattened_keys_are_the_keys_of_the_command_line(verdict):
    flat = flatten(plain(verdict().config))
    assert flat["trainer.optim.betas"] == [0.9, 0.999]
    assert flat["seed"] == 0

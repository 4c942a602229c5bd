"""The store of schemas: each becomes a node when it is asked for, and every reader has a copy of its own."""

import pickle

import pytest
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from tests.loaded import ours
from zsl_runner.config import store, typed
from zsl_runner.config.check import check
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS, RunConfig

store.register()


@pytest.mark.parametrize("group", GROUPS)
def test_every_schema_is_in_the_store(group):
    for kind, schema in schemas(group).items():
        entry = ConfigStore.instance().load(f"schema/{group}/{kind}.yaml")
        assert OmegaConf.get_type(entry.node) is schema
        assert entry.node == OmegaConf.structured(schema)
        assert (entry.group, entry.package, entry.provider) == (f"schema/{group}", None, None)


def test_what_one_reader_changes_no_other_sees():
    first, second = (ConfigStore.instance().load("schema/model/sgal.yaml") for _ in range(2))
    first.node.latent_dim = 3
    assert second.node.latent_dim != 3
    assert ConfigStore.instance().load("schema/model/sgal.yaml").node == second.node


def test_the_store_goes_along_to_workers():
    there = pickle.loads(pickle.dumps(ConfigStore.instance().repo))
    assert there["schema"]["model"]["vzsl.yaml"].node == OmegaConf.structured(schemas("model")["vzsl"])


def test_a_configuration_makes_nodes_of_its_own_schemas_only(monkeypatch):
    made = {}
    monkeypatch.setattr(typed, "_DEFAULTS", made)
    Loader(Source(conf_directory())).strictly(["dataset=toy", "model=eszsl"], alone=True)
    assert len(made) == len(GROUPS)


def test_a_check_leaves_the_defaults_of_a_schema_as_they_are():
    arguments = ["dataset=toy", "model=sgal", "model.latent_dim=3", "seed=7"]
    config = check(ours(), arguments, count_devices=lambda: 0, strictly=False).accepted()
    assert (config.model.latent_dim, config.seed) == (3, 7)
    typed.typed(OmegaConf.create(typed.plain(config)))
    for schema in (RunConfig, schemas("model")["sgal"]):
        assert typed.defaults_of(schema) == OmegaConf.structured(schema)

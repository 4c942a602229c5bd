"""The store of schemas: each becomes a node when it is asked for, and every reader has a copy of its own."""

import pickle

import pytest
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from zsl_runner.config import store
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS

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


def test_a_configuration_makes_nodes_of_its_own_schemas_only():
    store._node_of.cache_clear()
    Loader(Source(conf_directory())).strictly(["dataset=toy", "model=eszsl"], alone=True)
    assert store._node_of.cache_info().misses == len(GROUPS)

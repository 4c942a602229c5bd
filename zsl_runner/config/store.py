"""What Hydra's config store has of ours beside the YAML files: schemas, and where messages go."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import DictConfig

from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS, RunConfig
from zsl_runner.config.typed import defaults_of

MESSAGES = {"job_logging": "%(message)s", "hydra_logging": "[%(asctime)s][HYDRA] %(message)s"}
"""Formats of what a run and what Hydra has to say, by the groups of Hydra's that choose where that goes."""


@cache
def register() -> None:
    """Store all schemas, as ``schema/run`` and ``schema/<group>/<kind>``, and where messages go.

    The runtime and tracker groups need no entry: there is one schema each, and it is part of that of the run.
    """
    store = ConfigStore.instance()
    # Hydra deep-copies its sources, and with them the whole store, whenever it lists a group: 30 ms each time with our
    # schemas, seconds for --help. The store is a singleton that hands out copies of its entries, so it is shared.
    store.__dict__["__deepcopy__"] = partial(_shared, store)
    store.store(group="schema", name="run", node=RunConfig)
    for group in GROUPS:
        entries = store.repo["schema"].setdefault(group, {})
        for kind, schema in schemas(group).items():
            name = f"{kind}.yaml"
            entries[name] = _Entry(name, schema, group=f"schema/{group}", package=None, provider=None)
    for group, form in MESSAGES.items():
        handler = {"class": "zsl_runner.console.terminal.Messages", "formatter": "simple"}
        node = {
            "version": 1,
            "formatters": {"simple": {"format": form}},
            "handlers": {"console": handler},
            "root": {"level": "INFO", "handlers": ["console"]},
            "disable_existing_loggers": False,
        }
        store.store(group=f"hydra/{group}", name="messages", node=node)


class _Entry(ConfigNode):  # type: ignore[misc]
    """An entry of the store that becomes a node when it is loaded: that takes 3 ms, and a command loads few entries."""

    @property
    def node(self) -> DictConfig:
        return self._node if isinstance(self._node, DictConfig) else defaults_of(self._node)

    @node.setter
    def node(self, schema_or_node: Any) -> None:
        self._node = schema_or_node


def _shared(store: ConfigStore, _memo: dict[int, Any]) -> ConfigStore:
    return store

"""From a composed configuration to the typed object, and from the object to YAML that can be replayed and resumed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from zsl_runner import __version__
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS, RunConfig
from zsl_runner.errors import ConfigError

_DEFAULTS: dict[type[Any], DictConfig] = {}


def defaults_of(schema: type[Any]) -> DictConfig:
    """Return a typed node with the defaults of a schema class, the same each time and not to be changed.

    Making one takes milliseconds; assigning it to a key of another node makes a copy, in a fraction of that.
    """
    if schema not in _DEFAULTS:
        _DEFAULTS[schema] = OmegaConf.structured(schema)
    return _DEFAULTS[schema]


def typed(config: DictConfig) -> RunConfig:
    """Return ``config`` as a `RunConfig`, resolved; the schema of each group is the one its ``kind`` names.

    Raises:
        ConfigError: a key, a type or a kind does not fit the schema, or a value is missing.
    """
    node = deepcopy(defaults_of(RunConfig))
    values = OmegaConf.to_container(config, resolve=False)
    assert isinstance(values, dict)
    for group in GROUPS:
        part = values.get(group)
        kind = part.get("kind") if isinstance(part, dict) else None
        if not isinstance(kind, str) or kind not in schemas(group):
            raise ConfigError(f"{group}.kind: expected one of {', '.join(schemas(group))}, found {kind!r}")
        node[group] = defaults_of(schemas(group)[kind])
    try:
        merged = OmegaConf.merge(node, values)
        OmegaConf.resolve(merged)
        built = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(f"the configuration does not fit its schema: {error}") from error
    assert isinstance(built, RunConfig)
    return built


def plain(config: RunConfig) -> dict[str, Any]:
    """Return a configuration as nested plain values, in the schema's order."""
    return asdict(config)  # nothing is left to resolve or convert; OmegaConf would take 20 ms, at every checkpoint


def to_yaml(config: RunConfig) -> str:
    """Return a configuration as YAML, fully resolved, with the kinds that lead back to its schemas."""
    header = (
        f"# The whole configuration of a run, written by zsl-run {__version__}.\n"
        '# Again, in a new directory:  zsl-run --config-path "$PWD" --config-name config [key=value ...]\n'
        "# On from the last checkpoint:  zsl-run resume=THIS_DIRECTORY\n"
    )
    return header + OmegaConf.to_yaml(OmegaConf.create(plain(config)))

"""Which further seeds of a configuration follow the run's."""

from __future__ import annotations

from collections.abc import Sequence

from zsl_runner.config.check import check
from zsl_runner.config.identity import flatten
from zsl_runner.config.loader import Loader
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain


def following(loader: Loader, overrides: Sequence[str], config: RunConfig) -> list[str]:
    """Return the keys that are the run's seed whatever that is, as ``dataset.label_seed=${seed}`` makes one.

    A saved configuration has their values: whoever repeats it with another seed has to say again that they follow it.

    Args:
        loader: where the YAML files are.
        overrides: of the run.
        config: the configuration that they give.
    """
    another = check(loader, [*overrides, f"seed={config.seed + 1}"], strictly=False, alone=False).config
    if another is None:
        return []
    now, then = flatten(plain(config)), flatten(plain(another))
    return [key for key in now if key != "seed" and (now[key], then.get(key)) == (config.seed, another.seed)]

"""The loader of the repository's configuration files."""

from functools import cache

from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.store import register


@cache
def ours() -> Loader:
    """Return the one loader; reading the files once keeps tests fast."""
    register()
    return Loader(Source(conf_directory()))

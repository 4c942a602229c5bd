"""The loader of the repository's configuration files, each of which is read once, whatever loader asks for it."""

from functools import cache

from zsl_runner.config.loader import Loader, Repository, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.store import register

SOURCES = {f"file://{conf_directory()}", "pkg://hydra.conf", "structured://"}
"""Where files and schemas come from if no folder of one's own is searched."""


@cache
def ours() -> Loader:
    """Return the one loader."""
    register()
    return Loader(Source(conf_directory()))


def read_once() -> None:
    """Let all loaders share what they read of the repository's files, also those of processes that are forked later."""
    reads, found = Repository.read, {}

    def read(self, config_path):
        only_ours = {f"{source.scheme()}://{source.path}" for source in self.sources} == SOURCES
        if not only_ours or config_path.startswith("schema/"):
            return reads(self, config_path)
        if config_path in found:
            self._read.setdefault(config_path, found[config_path])
        loaded = reads(self, config_path)
        if loaded is not None and config_path not in self.broken and config_path not in self.forgiven:
            found[config_path] = loaded
        return loaded

    Repository.read = read

"""Finds and reads YAML files as Hydra does, but remembers broken ones and goes on. Rests on Hydra's internals."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from pathlib import Path

import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository, ConfigRepository
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.default_element import ConfigDefault, GroupDefault, InputDefault, ResultDefault
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from zsl_runner.config.bounds import check_file
from zsl_runner.config.plugins import other_folders
from zsl_runner.config.problems import Origin, Problem
from zsl_runner.errors import RunError


@dataclass(frozen=True)
class Source:
    """Where a configuration starts.

    Attributes:
        directory: folder of the primary file.
        name: the primary file without its suffix.
        extra: a folder of the user's own files (``--config-dir``).
    """

    directory: Path
    name: str = "config"
    extra: Path | None = None


class SchemasFirst(ConfigLoaderImpl):  # type: ignore[misc]
    """Hydra's loader, except that defaults of options never win over values of files, as in the check.

    So a file may go on from one of another kind: it names that file, then its own schema, a subclass of the other's.
    """

    def _compose_config_from_defaults_list(
        self, defaults: Sequence[ResultDefault], repo: CachingConfigRepository
    ) -> DictConfig:
        composed: DictConfig = super()._compose_config_from_defaults_list(sorted(defaults, key=_turn), repo)
        return composed


class Loader(SchemasFirst):
    """Hydra's loader on a repository that records unreadable files and goes on with empty ones.

    Attributes:
        primary: name of the primary file.
    """

    def __init__(self, source: Source) -> None:
        if (
            os.environ.get("ZSL_DATA") == ""
        ):  # unset, as for the shell lines we print: files have ${oc.env:ZSL_DATA,data}
            del os.environ["ZSL_DATA"]
        setup_globals()
        super().__init__(_search_path(source))
        self.repository: Repository = Repository(self.config_search_path)
        self.primary = source.name
        self._checked: dict[tuple[str, ...], DictConfig] = {}
        self._searched: list[str] | None = None

    def extend_search_path(self, arguments: Sequence[str]) -> None:
        """Search the folders, too, that ``hydra.searchpath`` names on the command line or in the primary file."""
        settings = [argument for argument in arguments if argument.startswith("hydra.searchpath=")]
        if settings == self._searched:
            return
        try:
            _, caching = self._parse_overrides_and_create_caching_repo(self.primary, settings)
        except (HydraException, OmegaConfBaseException, ValueError, RecursionError):
            return  # composing says what is wrong
        self.repository, self._searched = caching.delegate, settings

    def parsed(self, arguments: Sequence[str]) -> tuple[list[Override], CachingConfigRepository]:
        """Return overrides as Hydra reads them, and what hands out files that nobody may change, without a copy."""
        overrides, caching = self._parse_overrides_and_create_caching_repo(self.primary, list(arguments))
        caching.delegate.copies = False
        return overrides, caching

    def _load_configuration_impl(self, *, overrides: list[str], run_mode: RunMode, **settings: object) -> DictConfig:
        """Return what `strictly` composed and the check found good, once; else compose."""
        checked = self._checked.pop(tuple(overrides), None) if run_mode == RunMode.RUN else None
        if checked is not None:
            return checked
        composed: DictConfig = super()._load_configuration_impl(overrides=overrides, run_mode=run_mode, **settings)
        return composed

    def get_group_options(
        self,
        group_name: str,
        results_filter: ObjectType | None = ObjectType.CONFIG,
        config_name: str | None = None,
        overrides: list[str] | None = None,
    ) -> list[str]:
        """Return the options that ``group=glob(...)`` chooses from and shells complete: also those in folders.

        Of the groups themselves, those that are for users: no folder of options, and not the schemas.
        """
        if results_filter == ObjectType.GROUP:
            found = self.repository.get_group_options(group_name, ObjectType.GROUP)
            return [group for group in found if group != "schema"] if not group_name or "hydra" in group_name else []
        return self.options(group_name)

    def options(self, group: str) -> list[str]:
        """Return the options of a group; those in folders below it as ``folder/option``."""
        options = list(self.repository.get_group_options(group))
        for folder in self.repository.get_group_options(group, ObjectType.GROUP):
            options += [f"{folder}/{name}" for name in self.options(f"{group}/{folder}")]
        return options

    def kind_of_option(self, group: str, option: str) -> str | None:
        """Return the schema a group's file, or the one it includes, starts from; None if it names none."""
        folder = f"{group}/{option}".rpartition("/")[0]
        for entry in self._defaults_of(f"{group}/{option}"):
            path = (entry.path or "") if isinstance(entry, ConfigDefault) else ""
            if path.startswith(f"/schema/{group}/"):
                return path.rsplit("/", 1)[-1]
            if path and path != "_self_":
                included = path.removeprefix("/") if path.startswith("/") else f"{folder}/{path}"
                kind = self.kind_of_option(group, included.removeprefix(f"{group}/"))
                if kind is not None:
                    return kind
        return None

    def usual_kind(self, group: str, model: str) -> str | None:
        """Return the schema in another group that comes with a model: of what its file picks, or of the default."""
        for path, overrides in ((f"model/{model}", True), (self.primary, False)):
            for entry in self._defaults_of(path):
                is_choice = isinstance(entry, GroupDefault) and bool(entry.override) == overrides
                if is_choice and str(entry.group).strip("/") == group:
                    return self.kind_of_option(group, str(entry.value))
        return None

    def _defaults_of(self, path: str) -> list[InputDefault]:
        loaded = self.repository.read(path)
        return list(loaded.defaults_list or []) if loaded else []

    def strictly(self, arguments: Sequence[str], alone: bool) -> DictConfig | str:
        """Compose strictly, once for the check and for the run; return the configuration, or what Hydra refuses.

        A run that is started ``alone`` is refused, too, if its files ask for a sweep: only one run was checked.
        """
        try:
            config: DictConfig = self.load_configuration(self.primary, list(arguments), RunMode.RUN)
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            cause = f"\n{error.__cause__}" if isinstance(error.__cause__, OmegaConfBaseException) else ""
            return f"{error}{cause}".strip()
        except KeyError as error:
            return f"hydra.job.env_copy: there is no environment variable {error}"
        except (AssertionError, AttributeError) as error:  # OmegaConf stumbles over mappings that are null
            return f"a value is given below a key that holds nothing, as hydra.sweeper.params may: {error}"
        self._checked = {tuple(arguments): config}
        if alone and config.hydra.mode == RunMode.MULTIRUN:
            return "a file asks for a sweep (hydra.mode: MULTIRUN): add -m, or take it back with hydra.mode=RUN"
        return config

    def sweep_settings(self, arguments: Sequence[str]) -> DictConfig | None:
        """Return Hydra's own settings for a sweep; None where the configuration is broken (the check says how)."""
        try:
            config = self.load_configuration(
                self.primary, list(arguments), RunMode.MULTIRUN, validate_sweep_overrides=False
            )
        except (HydraException, OmegaConfBaseException, ValueError, KeyError, RecursionError):
            return None
        except (AssertionError, AttributeError):  # as in `strictly`
            return None
        hydra = config.hydra  # still inside the configuration its interpolations point to
        assert isinstance(hydra, DictConfig)
        return hydra


class Repository(ConfigRepository):  # type: ignore[misc]
    """Hydra's repository of YAML files, tolerant of broken ones.

    Attributes:
        broken: what is wrong with a file, by its path in the repository.
        forgiven: files that do not exist and count as empty.
        copies: whether what is loaded may be changed, as composing does.
    """

    def __init__(self, search_path: ConfigSearchPath) -> None:
        super().__init__(search_path)
        self.broken: dict[str, Problem] = {}
        self.forgiven: set[str] = set()
        self.copies = True

    def __deepcopy__(self, _memo: dict[int, object]) -> Repository:
        """Return a copy with a search path of its own that records what it meets in the same place."""
        twin = copy(self)
        twin.sources = list(self.sources)
        return twin

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        """Search other folders and forget what was read."""
        super().initialize_sources(config_search_path)
        self._read: dict[str, ConfigResult | None] = {}

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Return the file's content; an empty one, with a recorded problem, if it cannot be read."""
        loaded = self.read(config_path)
        return deepcopy(loaded) if self.copies else loaded

    def read(self, config_path: str) -> ConfigResult | None:
        """Return the same, not to be changed."""
        if config_path in self.forgiven:
            return _empty(config_path)
        if config_path not in self._read:
            try:
                self._check_bounds(config_path)
                self._read[config_path] = _as_written(super().load_config(config_path))
            except yaml.MarkedYAMLError as error:
                line = error.problem_mark.line + 1 if error.problem_mark else None
                self._reject(config_path, f"not valid YAML: {error.problem or error}", line)
            except RunError as error:
                self._reject(config_path, f"cannot be used: {error}", None)
            except (yaml.YAMLError, OmegaConfBaseException, HydraException, ValueError, OSError) as error:
                self._reject(config_path, f"cannot be read: {str(error).splitlines()[0]}", None)
        return self._read[config_path]

    def file(self, config_path: str) -> Path | None:
        """Return the file on disk behind a path in the repository."""
        return next(self._found(config_path), None)

    def hidden(self, config_path: str) -> tuple[Path, Path] | None:
        """Return a file of the user's that is not read, and the one in an earlier folder that is; their texts differ.

        Files of installed packages are left alone: no command asks for them.
        """
        found = list(self._found(config_path))
        if len(found) < 2:
            return None
        packages = [folder.resolve() for _, folder in other_folders()]
        own = (file for file in found[1:] if not any(map(file.is_relative_to, packages)))
        return next(((file, found[0]) for file in own if not _alike(file, found[0])), None)

    def _found(self, config_path: str) -> Iterator[Path]:
        for source in self.sources:
            if source.scheme() == "file" and source.is_config(config_path):
                yield Path(source.path) / f"{config_path.removesuffix('.yaml')}.yaml"

    def group_exists(self, config_path: str) -> bool:
        """Tell whether there is such a group; what no file system can name is none."""
        return _answer(super().group_exists, config_path)

    def config_exists(self, config_path: str) -> bool:
        """Tell whether there is such a file, likewise."""
        return _answer(super().config_exists, config_path)

    def circle(self) -> list[str]:
        """Return files read so far whose defaults lists lead from one to the next and back; none if there are none."""
        for start in self._read:
            path = [start]
            while (following := self._first_unseen(path)) is not None:
                path.append(following)
                if following == start:
                    return path
        return []

    def chosen_in(self, group: str, option: str) -> str | None:
        """Return the file read so far whose defaults list overrides ``group`` with ``option``."""
        for path, loaded in self._read.items():
            for entry in (loaded.defaults_list or []) if loaded else []:
                is_override = isinstance(entry, GroupDefault) and entry.override
                if is_override and entry.value == option and str(entry.group).strip("/") == group:
                    return path
        return None

    def _first_unseen(self, path: list[str]) -> str | None:
        """Return a file that the last one of ``path`` names: the first one if it is among them, else a new one."""
        loaded = self._read.get(path[-1])
        folder = path[-1].rpartition("/")[0]
        named = []
        for entry in (loaded.defaults_list or []) if loaded else []:
            target = f"{entry.group}/{entry.value}" if isinstance(entry, GroupDefault) else str(entry.path)
            named.append(target[1:] if target.startswith("/") else f"{folder}/{target}".removeprefix("/"))
        if path[0] in named:
            return path[0]
        return next((target for target in named if target in self._read and target not in path), None)

    def _check_bounds(self, config_path: str) -> None:
        file = self.file(config_path)
        if file is not None:
            check_file(file)

    def _reject(self, config_path: str, message: str, line: int | None) -> None:
        origin = Origin(file=self.file(config_path)).describe()
        self.broken[config_path] = Problem(config_path, message, f"{origin}, line {line}" if line else origin)
        self._read[config_path] = _empty(config_path)


def _turn(default: ResultDefault) -> int:
    path = default.config_path or ""
    return 0 if path.startswith("hydra/") else 1 if path.startswith("schema/") else 2


def _alike(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _answer(ask: Callable[[str], bool], config_path: str) -> bool:
    try:
        return ask(config_path)
    except (OSError, ValueError):  # a name that is too long, or has a null byte in it
        return False


def _search_path(source: Source) -> ConfigSearchPath:
    search_path = create_config_search_path(str(source.directory.resolve()))
    if source.extra is not None:
        # The same place in the order of search that Hydra gives to --config-dir.
        search_path.prepend(
            provider="command-line", path=f"file://{source.extra.resolve()}", anchor=SearchPathQuery(provider="schema")
        )
    search_other_folders(search_path)
    return search_path


def search_other_folders(search_path: ConfigSearchPath) -> None:
    """Search the folders of other distributions, too, after all that is searched so far but the schemas."""
    for package, folder in other_folders():
        schema = SearchPathQuery(provider="schema")  # has to stay last
        search_path.prepend(provider=package, path=f"file://{folder.resolve()}", anchor=schema)


def _as_written(loaded: ConfigResult | None) -> ConfigResult | None:
    """Take back what Hydra 1.4 makes of ``model: folder/option``: an option of the group ``model/folder``.

    With it, no file could choose another option for a group that has one: ``override /model: folder/option`` would
    override the choice of ``model/folder``, which nobody made.
    """
    for entry in (loaded.defaults_list or []) if loaded else []:
        if getattr(entry, "normalized_shorthand", False):
            entry.value = f"{entry.group.removeprefix(f'{entry.original_group}/')}/{entry.value}"
            entry.group, entry.normalized_shorthand = entry.original_group, False
    return loaded


def _empty(config_path: str) -> ConfigResult:
    return ConfigResult(provider="none", path=config_path, config=OmegaConf.create({}), header={"package": None})

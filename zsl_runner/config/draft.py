"""Judges layers of values against the schema of a run: unknown keys, types, missing values, ranges.

Types are judged by OmegaConf itself on a typed configuration that is filled layer by layer, so the check and the
run cannot disagree; only the words of the messages are ours. A value of the wrong type leaves the one before it in
place, and the search goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from zsl_runner.config.compose import COMPOSED_GROUPS, Composition, Layer
from zsl_runner.config.exact import MISSING, beyond, objection
from zsl_runner.config.fields import Rule
from zsl_runner.config.identity import lies_in
from zsl_runner.config.problems import REFUSED, Idle, Origin, Problem, closest, did_you_mean, folded
from zsl_runner.config.quoting import written
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS, RunConfig
from zsl_runner.config.typed import defaults_of
from zsl_runner.config.words import Shape, rules, shapes

_LISTED = 12


@dataclass(frozen=True)
class _Given:
    """A value that is no block of options.

    Attributes:
        name: of its option, or its name or index in a mapping or list.
        value: it.
        key: the option's, dotted.
        shape: what the option holds.
    """

    name: Any
    value: Any
    key: str
    shape: Shape


class Draft:
    """A configuration in the making.

    Attributes:
        node: the typed configuration, as far as it could be filled.
        kinds: the schema of each group that has one.
        problems: those found.
        idle: options that the command line gives and that do nothing.
    """

    def __init__(self, composition: Composition) -> None:
        self.problems: list[Problem] = []
        self.idle: list[Idle] = []
        self.kinds: dict[str, str] = {}
        self.node = deepcopy(defaults_of(RunConfig))
        self._origins: dict[str, Origin] = {}
        self._blocks: set[str] = set()
        self._bad: set[str] = set()
        self._unchecked: set[str] = set(composition.abandoned)
        for group in GROUPS:
            self._choose_schema(group, composition)
        for layer in composition.layers:
            self._add(layer)
        self._check_values(self.node, "")

    def origin(self, key: str) -> Origin:
        """Return where ``key``, or the list it is an entry of, was given last."""
        for name in _upwards(key):
            if name in self._origins:
                # What gives another option of the same block gives nothing to this one.
                return Origin() if name != key and name in self._blocks else self._origins[name]
        return Origin()

    def _nearest(self, key: str) -> Origin:
        """Return where ``key`` was given last; else the file with the block it would be written in."""
        given = self.origin(key)
        if given != Origin():
            return given
        above = next((self._origins[name] for name in _upwards(key) if name in self._origins), given)
        return above if above.override is None else given

    def has_bad_values(self, key: str) -> bool:
        """Tell whether ``key`` or anything below it was reported."""
        return any(lies_in(bad, key) for bad in self._bad)

    def report(self, key: str, message: str, origin: Origin | None = None) -> None:
        """Record a problem."""
        where = self._nearest(key) if origin is None else origin
        self._bad.add(key)
        self.problems.append(Problem(key, message, where.describe(key) if where != Origin() else ""))

    def tell(self, key: str, why: str) -> None:
        """Record that ``key`` and what lies below it have no effect, as far as the command line gives them."""
        for given, origin in self._origins.items():
            if lies_in(given, key) and origin.override is not None and not isinstance(self._value(given), DictConfig):
                self.idle.append(Idle(given, why, origin.describe(given)))

    def _value(self, key: str) -> Any:
        return OmegaConf.select(self.node, key, throw_on_missing=False)

    def build(self, key: str = "") -> Any:
        """Return the typed object at ``key`` (the whole ``RunConfig`` by default); None if values are missing."""
        if key in self._unchecked:
            return None
        try:
            return OmegaConf.to_object(OmegaConf.select(self.node, key) if key else self.node)
        except OmegaConfBaseException:
            if self.problems or self._unchecked:
                return None
            raise

    def _choose_schema(self, group: str, composition: Composition) -> None:
        """Take the schema of the group's file, or for a saved configuration the one its ``kind`` names."""
        if group in self._unchecked:
            return
        known = schemas(group)
        given = [layer for layer in composition.layers if group in layer.values]
        if given:  # the file that was chosen in the group, and not what changed a value in it
            self._origins[f"{group}.kind"] = given[0].origin
        kind = composition.schemas.get(group)
        if kind is None and not composition.typed:
            kind = _named_kind(group, given)
            if kind is not None and kind not in known:
                message = f"no {group} of kind {kind!r}{did_you_mean(kind, known)}; known kinds: {', '.join(known)}"
                self.report(f"{group}.kind", message, given[0].origin)
        if kind in known:
            self.kinds[group] = kind
            self.node[group] = defaults_of(known[kind])
            return
        self._unchecked.add(group)
        files = [layer.origin for layer in given if layer.origin.file is not None]
        if kind is None and files:
            remedy = (
                f"begin the file with: defaults: [/schema/{group}/<kind>@_here_, _self_]; kinds: {', '.join(known)}"
            )
            self.report(group, f"has no schema; {remedy}", files[0])
        elif kind is None:
            self.report(group, f"nothing is chosen; choose with {group}=OPTION", Origin())

    def _add(self, layer: Layer) -> None:
        if layer.removes is not None:
            self._remove(layer.removes, layer.origin)
        else:
            self._fill(self.node, layer.values, "", layer.origin)

    def _fill(self, node: DictConfig, values: Mapping[Any, Any], prefix: str, origin: Origin) -> None:
        schema = OmegaConf.get_type(node)
        assert schema is not None
        plain: list[_Given] = []
        for name, value in values.items():
            key = f"{prefix}{name}"
            if key in self._unchecked:
                continue
            shape = shapes(schema).get(str(name))
            if shape is None:
                self._unknown(key, str(name), schema, origin)
            elif name == "kind" and prefix[:-1] in self.kinds:
                self._keep_kind(prefix[:-1], value, origin)
            elif isinstance(value, Mapping):
                self._fill_below(node, str(name), value, key, shape, origin)
            elif shape.container == "list" and shape.is_section and isinstance(value, list):
                self._fill_blocks(node, str(name), value, key, shape, origin)
            else:
                plain.append(_Given(str(name), value, key, shape))
        self._set(node, plain, origin)

    def _fill_below(
        self, node: DictConfig, name: str, values: Mapping[Any, Any], key: str, shape: Shape, origin: Origin
    ) -> None:
        """Set what a mapping gives: options of a block, names, or entries of a list."""
        if shape.is_section and shape.container == "value":
            if node[name] is None:
                node[name] = shape.item()
            self._origins[key] = origin
            self._blocks.add(key)
            self._fill(node[name], values, f"{key}.", origin)
        elif shape.container == "dict":
            self._fill_names(node, name, values, key, shape, origin)
        elif shape.container == "list" and values and origin.override is not None:
            self._fill_entries(node, name, values, key, shape, origin)
        else:
            self._set(node, [_Given(name, values, key, shape)], origin)

    def _set(self, node: DictConfig, given: Sequence[_Given], origin: Origin) -> None:
        """Set values at once, for each merge is slow; one by one if one of them is refused."""
        fitting = [entry for entry in given if self._fits(node, entry, origin)]
        if not fitting:
            return
        try:
            # Converts as composing does; assigning may be stricter.
            node.merge_with({entry.name: entry.value for entry in fitting})
        except (OmegaConfBaseException, TypeError, ValueError, OverflowError) as error:
            if len(fitting) == 1:
                self._refuse(fitting[0], error, origin)
            else:
                for entry in fitting:
                    self._set(node, [entry], origin)
        else:
            for entry in fitting:
                self._origins[entry.key] = origin
                self._bad.discard(entry.key)

    def _fits(self, node: DictConfig, given: _Given, origin: Origin) -> bool:
        """Tell whether a value is to be set; report one that is none of those its option may have."""
        value, shape = given.value, given.shape
        if value == MISSING and OmegaConf.is_missing(node, given.name):
            return False  # as the schema has it: a value is required
        reason = objection(value, shape, origin.text_of(given.key))
        if not reason and shape.container == "value" and not shape.is_section and isinstance(value, (Mapping, list)):
            # An empty one would be merged into what is there.
            reason = f"expected {shape.describe()}, found {_shown(value)}"
        if reason:
            self.report(given.key, reason, origin)
        return not reason

    def _refuse(self, given: _Given, error: Exception, origin: Origin) -> None:
        entry = getattr(error, "full_key", None)
        inside = f" (at {entry})" if isinstance(entry, str) and entry.startswith(f"{given.key}[") else ""
        values = f"; change values of it with {given.key}.OPTION=VALUE"
        saved = f"\na saved configuration keeps its parts{values}" if given.key in COMPOSED_GROUPS else ""
        expected = given.shape.describe()
        self.report(given.key, f"expected {expected}, found {_shown(given.value)}{inside}{saved}", origin)

    def _fill_names(
        self, node: DictConfig, name: str, values: Mapping[Any, Any], key: str, shape: Shape, origin: Origin
    ) -> None:
        """Merge into a mapping whose names are free."""
        table = node[name]
        self._origins[key] = origin
        self._blocks.add(key)
        for entry, value in values.items():
            below = f"{key}.{entry}"
            if shape.is_section and isinstance(value, Mapping):
                if entry not in table:
                    table[entry] = shape.item()
                self._fill(table[entry], value, f"{below}.", origin)
            else:
                single = Shape("value", shape.item, optional=False)
                self._set(table, [_Given(entry, value, below, single)], origin)

    def _fill_entries(
        self, node: DictConfig, name: str, values: Mapping[Any, Any], key: str, shape: Shape, origin: Origin
    ) -> None:
        """Set single entries of a list, which the command line writes as ``key.0=value``."""
        entries: ListConfig = node[name]
        for index, value in values.items():
            if not str(index).isdigit() or entries is None or int(index) >= len(entries):
                length = 0 if entries is None else len(entries)
                self.report(key, f"expected {shape.describe()}; it has no entry {index!r} ({length} entries)", origin)
            elif shape.is_section and isinstance(value, Mapping):
                self._fill(entries[int(index)], value, f"{key}.{index}.", origin)
            else:
                raw = OmegaConf.to_container(entries, resolve=False)
                assert isinstance(raw, list)
                raw[int(index)] = value
                self._set(node, [_Given(name, raw, key, shape)], origin)

    def _fill_blocks(
        self, node: DictConfig, name: str, values: list[Any], key: str, shape: Shape, origin: Origin
    ) -> None:
        """Replace a list of blocks."""
        node[name] = [shape.item() for _ in values]
        self._origins[key] = origin
        for index, value in enumerate(values):
            if isinstance(value, Mapping):
                self._fill(node[name][index], value, f"{key}.{index}.", origin)
            else:
                self.report(f"{key}.{index}", f"expected a block of options, found {_shown(value)}", origin)

    def _keep_kind(self, group: str, value: Any, origin: Origin) -> None:
        if value != self.kinds[group]:
            self.report(
                f"{group}.kind",
                f"is fixed to {self.kinds[group]!r} by the chosen file and cannot be set to {_shown(value)};"
                f" choose another implementation with {group}=OPTION",
                origin,
            )

    def _remove(self, key: str, origin: Origin) -> None:
        parent, _, name = key.rpartition(".")
        group = key.partition(".")[0]
        if group in self._unchecked:
            return
        table = OmegaConf.select(self.node, parent) if parent else self.node
        if isinstance(table, DictConfig) and OmegaConf.get_type(table) is dict and name in table:
            del table[name]
        else:
            remedy = "set the value that switches it off (null, 0 or false)"
            self.report(key, f"options cannot be removed; {remedy}", origin)

    def _unknown(self, key: str, name: str, schema: type[Any], origin: Origin) -> None:
        known = list(shapes(schema))
        group = key.partition(".")[0]
        owner = f"{group}={self.kinds[group]}" if group in self.kinds and "." in key else "a run"
        siblings = key.removesuffix(name)
        meant = closest(name, known)
        hint = f"; did you mean {siblings}{meant}?" if meant else self._elsewhere(name)
        listed = ", ".join(known[:_LISTED]) + (", ..." if len(known) > _LISTED else "")
        inside = f" in {siblings[:-1]}" if siblings.count(".") > 1 else ""
        self.report(key, f"{owner} has no such option{hint}\nknown{inside}: {listed}", origin)

    def _elsewhere(self, name: str) -> str:
        """Return a hint at options of that name in other blocks."""
        found = [key for key in _keys(self.node, "") if folded(key.rpartition(".")[2]) == folded(name)]
        return f"; did you mean {' or '.join(found[:3])}?" if found else ""

    def _check_values(self, node: DictConfig, prefix: str) -> None:
        schema = OmegaConf.get_type(node)
        assert schema is not None
        rule = rules(schema)
        for name, shape in shapes(schema).items():
            key = f"{prefix}{name}"
            if key in self._unchecked or key in self._bad:
                continue
            try:
                value = node[name]
            except MissingMandatoryValue:
                self.report(key, f"a value is required: {shape.describe()} ({rule[name].doc or 'no default'})")
                continue
            except OmegaConfBaseException as error:
                raw = OmegaConf.to_container(node, resolve=False)
                text = raw.get(name) if isinstance(raw, dict) else None
                self.report(key, f"{text}: {str(error).splitlines()[0]}; set what it refers to, or give {key}=VALUE")
                continue
            if shape.is_section:
                for below, block in _blocks(value, key):
                    self._check_values(block, f"{below}.")
            else:
                # An empty label is judged with all labels, by `fit.check_labels`.
                default = "" if name == "name" else schema.__dataclass_fields__[name].default
                self._check_value(key, value, shape, rule[name], default)

    def _check_value(self, key: str, value: Any, shape: Shape, rule: Rule, default: Any) -> None:
        try:
            plain = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        except OmegaConfBaseException as error:
            self.report(key, f"{str(error).splitlines()[0]}; set what it refers to, or give {key}=VALUE")
            return
        expected = beyond(plain, default)
        if not rule.accepts(plain):
            each = "each " if shape.container != "value" else ""
            choices = [str(choice) for choice in rule.choices or ()]
            hint = REFUSED.get((key, plain)) or did_you_mean(plain, choices) if isinstance(plain, str) else ""
            self.report(key, f"expected {each}{rule.describe()}, found {_shown(plain)}{hint}")
        elif expected:
            self.report(key, f"expected {expected}, found {_shown(plain)}")


def _upwards(key: str) -> Iterable[str]:
    """Yield a key and all that it lies in, the nearest first."""
    while key:
        yield key
        key = key.rpartition(".")[0]


def _named_kind(group: str, layers: Iterable[Layer]) -> str | None:
    """Return the ``kind`` that the values of a part name first."""
    blocks = [layer.values[group] for layer in layers]
    named = [block.get("kind") for block in blocks if isinstance(block, dict)]
    return next((str(kind) for kind in named if kind is not None), None)


def _blocks(value: Any, key: str) -> Iterable[tuple[str, DictConfig]]:
    """Yield the blocks of options a field holds, with their keys."""
    if value is None:
        return
    if isinstance(value, ListConfig):
        yield from ((f"{key}.{index}", block) for index, block in enumerate(value))
    elif OmegaConf.get_type(value) is dict:
        yield from ((f"{key}.{name}", block) for name, block in value.items())
    else:
        yield key, value


def _keys(node: DictConfig, prefix: str) -> Iterable[str]:
    schema = OmegaConf.get_type(node)
    for name, shape in shapes(schema).items() if schema else ():
        yield f"{prefix}{name}"
        if shape.is_section and not OmegaConf.is_missing(node, name) and not OmegaConf.is_interpolation(node, name):
            for key, block in _blocks(node[name], f"{prefix}{name}"):
                yield from _keys(block, f"{key}.")


def _shown(value: Any) -> str:
    """Return a value as a user would write it."""
    if value is None or isinstance(value, bool):
        return written(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_shown(entry) for entry in value) + "]"
    return repr(value) if isinstance(value, str) else str(value)

"""Checks what no single option can tell: do the parts fit together, and are device, files and folders there."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from zsl_runner.config.draft import Draft
from zsl_runner.config.gpus import DEVICE, DEVICES
from zsl_runner.config.loader import Loader
from zsl_runner.config.paths import shown
from zsl_runner.config.places import obstacle, out_of_reach
from zsl_runner.config.problems import Idle, Origin, closest
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import (
    GROUPS,
    Component,
    DatasetConf,
    EvaluatorConf,
    ModelConf,
    RequiredFile,
    RunConfig,
    TrainerConf,
)
from zsl_runner.config.sections import DebugConf, RuntimeConf, TrackerConf
from zsl_runner.config.words import has_option
from zsl_runner.errors import ConfigError
from zsl_runner.files.checksums import sha256_of
from zsl_runner.files.names import LABEL_RULE, is_label

_FITTED = ("dataset", "model", "trainer", "evaluator")
_ALONE = ("runtime", "tracker", "debug", "checkpoint", "reference")
_DEMANDS = (
    # who asks, its list of wishes, who must answer, the list of what it offers, the verb of the message
    ("trainer", "requires", "model", "capabilities", "calls"),
    ("evaluator", "requires", "model", "capabilities", "calls"),
    ("model", "needs", "dataset", "provides", "needs"),
    ("trainer", "needs", "dataset", "provides", "needs"),
    ("evaluator", "needs", "dataset", "provides", "needs"),
)


def check_parts(draft: Draft, loader: Loader | None) -> None:
    """Complain about components that cannot work together, naming those that could."""
    parts = {group: schemas(group)[kind] for group, kind in draft.kinds.items()}
    for asking, wishes, answering, offers, verb in _DEMANDS:
        if asking not in parts or answering not in parts:
            continue
        missing = getattr(parts[asking], wishes) - getattr(parts[answering], offers)
        if not missing:
            continue
        takers = [k for k, s in schemas(asking).items() if getattr(s, wishes) <= getattr(parts[answering], offers)]
        givers = [k for k, s in schemas(answering).items() if getattr(parts[asking], wishes) <= getattr(s, offers)]
        asker, answerer = f"{asking}={draft.kinds[asking]}", f"{answering}={draft.kinds[answering]}"
        words = [f"{word}{_meant(word, offers, answering, parts[answering])}" for word in sorted(missing)]
        lines = [f"{asker} {verb} what {answerer} does not offer: {', '.join(words)}"]
        if (
            asking == "evaluator"
            and answering == "dataset"
            and (others := _made_for(parts[answering], draft.kinds.get("model"), loader))
        ):
            lines.append(f"made for {answerer}: {others}")
        lines.append(f"{answering}s that fit {asker}: {', '.join(_options(loader, answering, givers)) or 'none'}")
        fitting = _options(loader, asking, takers)
        if asking == "model" and (as_they_come := _with_their_parts(loader, parts[answering], fitting)):
            fitting = as_they_come
        lines.append(f"{asking}s that fit {answerer}: {', '.join(fitting) or 'none'}")
        draft.report(asking, "\n".join(lines), Origin())


def _meant(word: str, offers: str, group: str, answering: type[Component]) -> str:
    """Return what a word that no member of a group offers may stand for; empty for a word that one does."""
    if any(word in getattr(schema, offers) for schema in schemas(group).values()):
        return ""
    meant = closest(word, getattr(answering, offers))
    return f" (did you mean {meant}?)" if meant else ""


def check_components(draft: Draft) -> None:
    """Ask every block of options for the problems it finds in itself."""
    for key in (*draft.kinds, *_ALONE):
        built = draft.build(key)
        for below, block in _blocks(built, key) if built is not None else ():
            _ask(draft, below, block)


def check_fit(draft: Draft) -> None:
    """Ask all parts what they cannot do with the options of the others.

    Not where a part was reported, as `check_parts` does of one that needs or calls what another does not offer.
    """
    dataset, model, trainer, evaluator = (draft.build(key) if key in draft.kinds else None for key in _FITTED)
    if not isinstance(dataset, DatasetConf) or not isinstance(model, ModelConf):
        return
    if any(draft.has_bad_values(key) for key in _FITTED):
        return
    found = [("model", problem) for problem in model.fits(dataset)]
    if isinstance(trainer, TrainerConf):
        found += [("trainer", problem) for problem in trainer.fits(model, dataset)]
    if isinstance(evaluator, EvaluatorConf):
        found += [("evaluator", problem) for problem in evaluator.fits(model, dataset)]
        found += [("dataset", problem) for problem in dataset.fits(evaluator)]
    for part, problem in found:
        draft.report(f"{part}.{problem.key}", problem.message)


def check_selection(draft: Draft) -> None:
    """Complain about a choice by a metric that a model trained so does not have, or that such data do not give."""
    dataset, model, trainer, evaluator = (
        draft.build(key) if key in draft.kinds and not draft.has_bad_values(key) else None for key in _FITTED
    )
    left_out: dict[str, str] = {}
    if isinstance(model, ModelConf) and isinstance(trainer, TrainerConf):
        left_out |= trainer.unmeasured(model)
    if isinstance(model, ModelConf) and isinstance(dataset, DatasetConf) and isinstance(evaluator, EvaluatorConf):
        left_out |= evaluator.unmeasured(model, dataset)
    for key, names in _deciding_metrics(draft, evaluator):
        for name in names:
            if (why := left_out.get(name.partition("/")[2])) is not None:
                draft.report(key, f"{name} is not measured: {why}")


def _deciding_metrics(draft: Draft, evaluator: object) -> Iterable[tuple[str, list[str]]]:
    """Yield which metrics a search and the selection go by, with the key that names them."""
    if not draft.has_bad_values("objectives"):
        yield "objectives", list(draft.node.objectives)
    if isinstance(evaluator, EvaluatorConf):
        yield "evaluator.select_metric", [evaluator.select_metric]


def look_for_idle(draft: Draft, config: RunConfig) -> None:
    """Find the options of a configuration without problems that have no effect.

    Raises:
        ConfigError: a schema names an option that there is not.
    """
    for key in (*draft.kinds, *_ALONE):
        for below, block in _blocks(getattr(config, key), key):
            for option in block.idle_options() if hasattr(block, "idle_options") else ():
                _tell(draft, block, below, [type(block)], option)
    model, trainer, evaluator = config.model, config.trainer, config.evaluator
    for option in model.idle_on(config.dataset):
        _tell(draft, model, "model", [type(model)], option)
    for part, user in (("trainer", trainer), ("evaluator", evaluator)):
        for option in user.idle_beside(model, config.dataset):
            known = _schemas_of(option.part, config) if option.part else [type(user)]
            _tell(draft, user, option.part or part, known, option)
    if not evaluator.looks():
        why = f"evaluator.stages=[{','.join(evaluator.stages)}], where nothing is validated"
        draft.tell("evaluator.every", why)
        for key in trainer.serves_validations():
            _tell(draft, trainer, "trainer", [type(trainer)], Idle(key, why))
    for capability in sorted(model.options_of.keys() - (trainer.requires | evaluator.requires)):
        for key in model.options_of[capability]:
            why = f"trainer={trainer.kind} and evaluator={evaluator.kind}, which never call {capability}"
            _tell(draft, model, "model", [type(model)], Idle(key, why))


def _tell(draft: Draft, by: object, prefix: str, known: Iterable[type[Any]], option: Idle) -> None:
    """Record that an option below a key has no effect, if one of the schemas there knows it.

    Another part's option need not be one of the schema that is chosen.
    """
    if not any(has_option(schema, option.key) for schema in known):
        schema = f"{type(by).__module__}:{type(by).__qualname__}"
        raise ConfigError(f"{schema} tells that {prefix}.{option.key} has no effect, and there is no such option")
    draft.tell(f"{prefix}.{option.key}", option.why)


def _schemas_of(part: str, config: RunConfig) -> Iterable[type[Any]]:
    if part in GROUPS:
        return schemas(part).values()
    return [type(getattr(config, part))] if part in _ALONE else []


def check_debug(draft: Draft) -> None:
    """Complain about options for debugging that would do nothing here."""
    debug, runtime = draft.build("debug"), draft.build("runtime")
    trainer = draft.build("trainer") if "trainer" in draft.kinds else None
    if not isinstance(debug, DebugConf):
        return
    if debug.overfit and isinstance(trainer, TrainerConf) and trainer.batch_rows() is None:
        draft.report("debug.overfit", f"trainer={trainer.name} knows no batches; use a trainer with batch_size")
    if debug.anomaly and isinstance(runtime, RuntimeConf) and runtime.compile:
        draft.report("debug.anomaly", "a compiled function has no operations to name; use runtime.compile=false")


def check_figures(draft: Draft) -> None:
    """Complain about training for figures that are not drawn."""
    tracker = draft.build("tracker")
    trainer = draft.build("trainer") if "trainer" in draft.kinds else None
    if isinstance(tracker, TrackerConf) and not tracker.figures and isinstance(trainer, TrainerConf):
        for key in trainer.serves_figures():
            draft.report(f"trainer.{key}", "serves a figure alone, and with tracker.figures=false none is drawn")


def check_cadence(draft: Draft) -> None:
    """Complain about steps between validations, given on the command line, that the trainer does not count."""
    trainer = draft.build("trainer") if "trainer" in draft.kinds else None
    key = "evaluator.every"
    if (
        isinstance(trainer, TrainerConf)
        and draft.origin(key).text_of(key) is not None
        and (when := trainer.validates())
    ):
        draft.report(key, f"has no effect: with trainer={trainer.name} a run validates {when}")


def check_files(draft: Draft) -> None:
    """Complain about data files that are missing or not the expected ones."""
    dataset = draft.build("dataset") if "dataset" in draft.kinds else None
    if not isinstance(dataset, DatasetConf):
        return
    missing: dict[tuple[str, str], list[str]] = {}
    closed: dict[tuple[str, str], list[str]] = {}
    files = [file for file in _required(draft, dataset) if not draft.has_bad_values(f"dataset.{file.key}")]
    for file in files:
        key, path = f"dataset.{file.key}", Path(file.path)
        if reason := out_of_reach(path):
            closed.setdefault((key, reason), []).append(shown(path))
        elif not path.is_file():
            found = " (a folder)" if path.is_dir() else " (a device, pipe or socket)" if path.exists() else ""
            missing.setdefault((key, file.remedy), []).append(shown(path) + found)
        elif not os.access(path, os.R_OK):
            closed.setdefault((key, "permission denied"), []).append(shown(path))
        elif file.sha256 is not None and (actual := sha256_of(path)) != file.sha256.lower():
            draft.report(
                key,
                f"{shown(path)} has another content than the configuration fixes:\n"
                f"expected sha256 {file.sha256}\nfound    sha256 {actual}\n{file.remedy}",
            )
    for (key, reason), paths in closed.items():
        draft.report(key, f"{', '.join(paths)} cannot be read: {reason}")
    for (key, remedy), paths in missing.items():
        files_words = "the file is" if len(paths) == 1 else "these files are"
        near = _found_near(Path(paths[0]))
        hint = f"{near / Path(paths[0]).name} is there: dataset.root={near}\n" if near is not None else ""
        draft.report(key, f"{files_words} not there: {', '.join(paths)}\n{hint}{remedy}")


def _found_near(path: Path) -> Path | None:
    """Return the folder of a file that lies one level higher than it should, or where the archive xlsa17.zip has it."""
    folder = path.parent
    places = (folder.parent.parent / folder.name, folder.parent / "data" / folder.name)
    return next((place for place in places if os.path.isfile(place / path.name)), None)


def check_device(draft: Draft, count_devices: Callable[[], int]) -> None:
    """Complain about a device that is not there, and about what a CPU does not have."""
    runtime = draft.build("runtime")
    if not isinstance(runtime, RuntimeConf):
        return
    name, key = runtime.device, "runtime.device"
    grammar = DEVICE.fullmatch(name)
    if grammar is None:
        draft.report(key, f"expected {DEVICES}, found {name!r}")
        return
    devices = 0 if name == "cpu" else count_devices()
    if name.startswith("cuda") and int(grammar[1] or 0) >= devices:
        here = f"cuda:0 to cuda:{devices - 1}" if devices > 1 else "cuda:0 only" if devices else "no CUDA device"
        draft.report(key, f"{name} is not there: the driver shows {here}; use runtime.device=auto or cpu")
    elif devices == 0:
        on_the_cpu = f"on CUDA devices only, and runtime.device={name} is the CPU here"
        if runtime.precision == "tf32":
            draft.report("runtime.precision", f"tf32 exists {on_the_cpu}; use fp32 or bf16")
        if runtime.capture == "always":
            draft.report("runtime.capture", f"steps are captured {on_the_cpu}; use auto or never")


def check_labels(draft: Draft) -> None:
    """Complain about labels that cannot name a directory."""
    for key in ("name", *(f"{group}.name" for group in draft.kinds)):
        if draft.has_bad_values(key):
            continue
        group = key.rpartition(".")[0]
        label = getattr(draft.build(group), "name", None) if group else draft.node.name
        if isinstance(label, str) and not is_label(label):
            draft.report(key, f"{label!r} cannot name a directory; {LABEL_RULE}")


def check_objectives(draft: Draft) -> None:
    """Complain about objectives that look at anything but validation data, or that stand twice."""
    evaluator = draft.build("evaluator") if "evaluator" in draft.kinds else None
    for key, names in _deciding_metrics(draft, evaluator):
        wrong = [name for name in names if not name.startswith("val/")]
        if wrong and not draft.has_bad_values(key):
            meant = ", ".join(f"val/{name.rpartition('/')[2]}" for name in wrong)
            draft.report(
                key, f"decisions look at validation data only: expected val/..., found {', '.join(wrong)}; {meant}?"
            )
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            draft.report(key, f"expected different metrics, found {', '.join(twice)} more than once")


def check_outputs(draft: Draft, resumes: Path | None) -> None:
    """Complain about a folder that cannot be written, be it for new runs or for the resumed one; create nothing."""
    if resumes is None and draft.has_bad_values("outputs"):
        return
    if resumes is None and draft.node.outputs.startswith("~"):
        draft.report(
            "outputs", f"only a shell expands ~: write $HOME/..., or ./{draft.node.outputs} for that very name"
        )
        return
    key, folder = ("outputs", Path(draft.node.outputs)) if resumes is None else ("resume", resumes)
    reason = obstacle(folder)
    if reason:
        remedy = "choose another with outputs=DIR" if resumes is None else "the run continues in place"
        draft.report(key, f"{shown(folder)}: {reason}; {remedy}")


def _made_for(dataset: type[Component], kind: str | None, loader: Loader | None) -> str:
    """Return the models of a kind whose usual evaluator fits the data set; empty if there are none."""
    if loader is None:
        return ""
    models = [model for model in loader.options("model") if loader.kind_of_option("model", model) == kind]
    return ", ".join(f"model={model}" for model in models if _usual_part_fits(loader, "evaluator", model, dataset))


def _with_their_parts(loader: Loader | None, dataset: type[Component], models: Iterable[str]) -> list[str]:
    """Return the models that need no other trainer or evaluator than their usual ones for a data set."""
    if loader is None:
        return []
    return [m for m in models if all(_usual_part_fits(loader, part, m, dataset) for part in ("trainer", "evaluator"))]


def _usual_part_fits(loader: Loader, group: str, model: str, dataset: type[Component]) -> bool:
    schema = schemas(group).get(loader.usual_kind(group, model) or "")
    if schema is None or not issubclass(schema, (TrainerConf, EvaluatorConf)) or not issubclass(dataset, DatasetConf):
        return False
    return schema.needs <= dataset.provides


def _options(loader: Loader | None, group: str, kinds: Iterable[str]) -> list[str]:
    """Return the options of a group that build one of ``kinds``."""
    if loader is None:
        return list(kinds)
    wanted = set(kinds)
    return [option for option in loader.options(group) if loader.kind_of_option(group, option) in wanted]


def _blocks(block: Any, key: str) -> Iterable[tuple[str, Any]]:
    """Yield an object and the blocks of options inside it, with their keys."""
    yield key, block
    for field in dataclasses.fields(block):
        value = getattr(block, field.name)
        entries = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
        if dataclasses.is_dataclass(value):
            yield from _blocks(value, f"{key}.{field.name}")
        for name, entry in entries:
            if dataclasses.is_dataclass(entry):
                yield from _blocks(entry, f"{key}.{field.name}.{name}")


def _ask(draft: Draft, key: str, block: Any) -> None:
    problems = getattr(block, "problems", None)
    if problems is None:
        return
    try:
        found = list(problems())
    except (ArithmeticError, ValueError, TypeError, LookupError):
        # A rule may stumble over a value that was reported before; any other stumble is our bug.
        if draft.has_bad_values(key):
            return
        raise
    for problem in found:
        below = f"{key}.{problem.key}" if problem.key else key
        if not draft.has_bad_values(below):
            draft.report(below, problem.message)


def _required(draft: Draft, dataset: DatasetConf) -> list[RequiredFile]:
    try:
        return list(dataset.required_files())
    except (ArithmeticError, ValueError, TypeError, LookupError):
        if draft.has_bad_values("dataset"):
            return []
        raise

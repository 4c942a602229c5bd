"""The hand-written pages name only what exists: functions, options, files, tests, links and commands that compose."""

import dataclasses
import functools
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml

from tests.loaded import ours
from zsl_runner.config.check import check
from zsl_runner.config.command import read
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS, RunConfig
from zsl_runner.config.sweep import expand
from zsl_runner.runs.result import Result

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
README = REPOSITORY / "README.md"
PAGES = [README, *sorted(path for path in DOCS.rglob("*.md") if path.name != "configuration.md")]  # that is generated
SECTIONS = (*GROUPS, "runtime", "tracker", "debug", "checkpoint")

CODE = re.compile(r"`([^`\n]+)`")
FUNCTION = re.compile(r"[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*")
KEY = re.compile(rf"((?:{'|'.join(SECTIONS)})(?:\.[a-z_][a-z0-9_]*)+)(?:=(.+))?")
CHOICE = re.compile(
    rf"({'|'.join((*GROUPS, 'runtime', 'tracker', 'debug', 'sweep', 'hydra/launcher'))})=([a-z0-9_]+(?:/[a-z0-9_]+)*)"
)
TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
FILE = re.compile(r"(?:conf|docs|scripts|tests|zsl_runner)/[\w./-]*")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HYDRAS_OWN = re.compile("hydra|[+~]").match
COMMAND = re.compile(r"^    (zsl-run(?: .*)?)$", re.MULTILINE)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))


def spans(page):
    """Code spans outside indented blocks."""
    text = "\n".join(line for line in page.read_text().splitlines() if not line.startswith("    "))
    return CODE.findall(text)


def keys_below(schema):
    """All option names of a schema class, dotted."""
    hints = get_type_hints(schema)
    for entry in dataclasses.fields(schema):
        yield entry.name
        inner = hints[entry.name]
        if dataclasses.is_dataclass(inner):
            yield from (f"{entry.name}.{name}" for name in keys_below(inner))


@functools.cache
def keys_of(section, kind=None):
    """Options of a section of the configuration; of a group those of one kind, or of all its kinds."""
    if section not in GROUPS:
        classes = [get_type_hints(RunConfig)[section]]
    else:
        classes = [schema for name, schema in schemas(section).items() if kind in (None, name)]
    return {f"{section}.{name}" for schema in classes for name in keys_below(schema)}


def wrong_functions(page):
    for span in spans(page):
        if FUNCTION.fullmatch(span):
            module, _, path = span.partition(":")
            try:
                found = import_module(f"zsl_runner.{module}")
                for name in path.split("."):
                    found = getattr(found, name)
            except (ImportError, AttributeError) as error:
                yield f"{span}: {error}"


def wrong_keys(page):
    # A page named after a model may only name that model's options.
    kind = page.stem if page.stem in schemas("model") else None
    for span in spans(page):
        match = KEY.fullmatch(span)
        if match and match[1] not in keys_of(match[1].partition(".")[0], kind if span.startswith("model.") else None):
            yield span


def written_there(text, group, option):
    """Tell whether a page gives the file of an option."""
    return re.search(rf"^(# my_conf|```yaml \S+)/{group}/{option}\.yaml$", text, re.MULTILINE) is not None


def wrong_choices(page):
    text = page.read_text()
    for group, option in CHOICE.findall(text):
        if not written_there(text, group, option) and not (REPOSITORY / "conf" / group / f"{option}.yaml").is_file():
            yield f"{group}={option}"


def wrong_tests(page):
    for file, name in TEST.findall(page.read_text()):
        path = REPOSITORY / file
        if not path.is_file() or not re.search(rf"^\s*def {name}\(", path.read_text(), re.MULTILINE):
            yield f"{file}::{name}"


def wrong_files(page):
    for span in spans(page):
        path = span.partition("::")[0]
        if FILE.fullmatch(path) and not (REPOSITORY / path).exists():
            yield span


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def wrong_links(page):
    for link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            yield link


CHECKS = (wrong_functions, wrong_keys, wrong_choices, wrong_tests, wrong_files, wrong_links)


@pages
@pytest.mark.parametrize("wrong", CHECKS, ids=lambda wrong: wrong.__name__)
def test_a_page_names_only_what_exists(page, wrong):
    assert list(wrong(page)) == []


def broken_over_lines(page):
    """Lines that end within a code span or continue a command: whoever copies them gets half."""
    inside = False
    for line in page.read_text().splitlines():
        inside ^= line.startswith("```")
        shown = inside or line.startswith("    ")
        if line.endswith("\\") if shown else line.replace("```", "").count("`") % 2:
            yield line


@pytest.mark.parametrize(
    "page",
    [*PAGES, REPOSITORY / "CONTRIBUTING.md"],
    ids=lambda page: str(page.relative_to(REPOSITORY)),
)
def test_commands_and_keys_stand_on_one_line(page):
    assert list(broken_over_lines(page)) == []


def test_a_command_broken_over_lines_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Call `zsl-run\nseed=1`, or\n\n    zsl-run \\\n      seed=1\n\n```bash\nzsl-run `a \\\n```\n")
    assert list(broken_over_lines(page)) == ["Call `zsl-run", "seed=1`, or", "    zsl-run \\", "zsl-run `a \\"]


def shown_commands():
    """Those of indented blocks, and those by which methods' pages and the results say that figures were made."""
    measured = {DOCS / "results.md", *(DOCS / "methods").glob("*.md")}
    for page in PAGES:
        text = page.read_text()
        inline = [span for span in spans(page) if span.startswith("zsl-run ")] if page in measured else []
        for line in [*COMMAND.findall(text), *inline]:
            if any(written_there(text, *choice) for choice in CHOICE.findall(line)):
                continue  # a test runs the page's own part
            arguments = shlex.split(re.split(r"\s{2,}", line)[0])[1:]
            if not any(argument.startswith(("-", "resume=")) for argument in arguments if argument != "-m"):
                yield arguments


@pytest.mark.parametrize("arguments", list(shown_commands()), ids=" ".join)
def test_a_command_that_is_shown_is_accepted(arguments):
    """Data files, weights or plugins that are not there are no mistake of the page.

    As Hydra composes, too, where a command uses more of it than ``key=value``: that takes as long again.
    """
    loader, command = ours(), read(arguments)
    runs = [arguments]
    if command.several:
        runs = expand(loader, command.overrides, loader.sweep_settings(command.overrides))
    absent = ("dataset.root", "model.weights", "hydra/launcher", "hydra/sweeper")
    for run in {tuple(runs[0]), tuple(runs[-1])}:
        verdict = check(loader, run, alone=not command.several, strictly=any(map(HYDRAS_OWN, run)))
        assert [problem for problem in verdict.problems if problem.key not in absent] == []


def test_the_checks_find_mistakes(tmp_path):
    """Otherwise a pattern that matches nothing would pass everything."""
    page = tmp_path / "vzsl.md"
    page.write_text(
        "`objectives.gaussian:no_such_function` `no.module:name` `model.margin.weight` `trainer.em.no_key=3` "
        "`evaluator.every` `model=no_model` `tests/training/test_loop.py::test_nothing` `conf/model/none.yaml` "
        "[page](none.md) [part](#nowhere)\n\n# Here\n\n[good](#here)\n"
    )
    assert len(list(wrong_functions(page))) == 2
    assert list(wrong_keys(page)) == ["model.margin.weight", "trainer.em.no_key=3"]  # the first is SGAL's alone
    assert list(wrong_choices(page)) == ["model=no_model"]
    assert list(wrong_tests(page)) == ["tests/training/test_loop.py::test_nothing"]
    assert list(wrong_files(page)) == ["conf/model/none.yaml"]
    assert list(wrong_links(page)) == ["none.md", "#nowhere"]


def settings_shown(page):
    """Rows of tables with a column for a choice of model: (choice, key, value as YAML)."""
    columns = {}
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            columns = {}
        elif shown := {place: CODE.fullmatch(cell)[1] for place, cell in enumerate(cells) if is_choice(cell)}:
            columns = {"key": cells.index("switch"), "choices": shown}
        elif columns and (key := CODE.match(cells[columns["key"]])):
            for place, choice in columns["choices"].items():
                if value := CODE.match(cells[place]):
                    yield choice, key[1], value[1]


def is_choice(cell):
    span = CODE.fullmatch(cell)
    return bool(span and CHOICE.fullmatch(span[1]))


def test_the_settings_shown_are_those_of_the_files():
    rows = list(settings_shown(DOCS / "methods" / "sgal.md"))
    assert len(rows) > 30
    rows += settings_shown(DOCS / "methods" / "vzsl.md")
    assert len(rows) > 35
    choices = {choice for choice, _, _ in rows}
    configs = {choice: check(ours(), [choice], strictly=False).config for choice in choices}
    wrong = []
    for choice, key, shown in rows:
        value = functools.reduce(getattr, key.split("."), configs[choice])
        if value != yaml.safe_load(shown):
            wrong.append(f"{choice}: {key} is {value}, shown as {shown}")
    assert wrong == []


def switches(page):
    """Settings in the column of a table that says what makes a run differ from what its method's page found."""
    column = None
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells or "switch" in cells:
            column = cells.index("switch") if cells else None
        elif column is not None:
            yield from (span for span in CODE.findall(cells[column]) if "=" in span)


@pytest.mark.parametrize(
    ("page", "arguments"),
    [
        ("feature_generators", ["model=bi_vaegan", "dataset=digits"]),
        ("prototype_contrast", ["model=class_maps", "dataset=tagged_canvas_embedded"]),
    ],
)
def test_a_switch_of_a_method_is_accepted_alone(page, arguments):
    found = list(switches(DOCS / "methods" / f"{page}.md"))
    assert len(found) > 7
    problems = {switch: check(ours(), [*arguments, *switch.split()], strictly=False).problems for switch in found}
    assert {switch: found for switch, found in problems.items() if found} == {}


def options(group):
    """The kinds of a group's files by their names, also of those in folders."""
    folder = REPOSITORY / "conf" / group
    values = {path: yaml.safe_load(path.read_text()) for path in folder.rglob("*.yaml")}
    return {
        path.relative_to(folder).with_suffix("").as_posix(): content.get("kind", schema_of(content))
        for path, content in values.items()
    }


def schema_of(content):
    """The kind of the schema a file starts from; None if it starts from another file."""
    schema = next((entry for entry in content["defaults"] if "/schema/" in str(entry)), "")
    return schema.partition("@")[0].rpartition("/")[2] or None


def test_every_method_has_its_page():
    text = "\n".join(path.read_text() for path in (DOCS / "methods").glob("*.md"))
    models = sorted(options("model"))
    assert [name for name in models if f"model={name}" not in text] == []
    trainers = options("trainer")
    shown = {kind for name, kind in trainers.items() if kind and f"trainer={name}" in text}
    assert shown == set(schemas("trainer"))


@pytest.mark.parametrize("page", [README, DOCS / "data.md"], ids=lambda page: page.name)
def test_every_data_set_is_in_the_table(page):
    cells = [line.split("|")[1] for line in page.read_text().splitlines() if line.startswith("| `")]
    assert set(options("dataset")) <= {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_index_leads_to_every_page():
    linked = {(DOCS / link).resolve() for link in LINK.findall((DOCS / "index.md").read_text()) if "://" not in link}
    assert {page for page in PAGES if page.name != "index.md"} <= linked  # README.md, too


def test_every_field_of_a_record_is_in_the_table():
    text = (DOCS / "runs.md").read_text()
    table = re.search(r"^\| field \|.*?\n\n", text, re.MULTILINE | re.DOTALL)[0]
    told = {name for line in table.split("\n") if line for name in CODE.findall(line.split("|")[1])}
    assert told == {entry.name for entry in dataclasses.fields(Result)}


def test_the_readme_and_the_first_guide_tell_one_run_alike():
    table = (DOCS / "guides" / "first_run.md").read_text()
    names, values = (re.search(rf"^    {row} +(.+)$", table, re.MULTILINE)[1].split() for row in ("per cent", "test"))
    guide = dict(zip(names, values, strict=True))
    told = re.search(r"SGAL has ([\d.]+) and ([\d.]+)\.", README.read_text())
    assert told.groups() == (guide["T1"], guide["H"])
    assert re.search(r"H_cal is [\d.]+, SGAL's ([\d.]+)\.", README.read_text())[1] == guide["H_cal"]

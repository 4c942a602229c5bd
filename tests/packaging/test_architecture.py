"""Who may import whom. Data flow one way, and whatever answers `--help` stays free of torch."""

import ast
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from zsl_runner.config.plugins import FOLDERS, SCHEMAS

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "zsl_runner"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
STANDARD = sys.stdlib_module_names
OWN = "zsl_runner"


def module_name(path):
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


@cache
def parsed(path):
    return ast.parse(path.read_text())


@cache
def imports(path):
    """Return the modules a file names in import statements, also those inside functions."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def below(name, modules):
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def below_any(names, modules):
    return any(below(name, modules) for name in names)


def files(folder, schemas=True):
    return [path for path in sorted((PACKAGE / folder).rglob("*.py")) if schemas or path.name != "conf.py"]


FLOORS = (
    "errors",
    "files streams objectives graphs",
    "config",
    "console tracking",
    "data",
    "models",
    "classifiers",
    "class_prior",
    "training",
    "evaluation trainers",
    "runs",
    "report sweeps",
    "api evaluate train",
    "__main__",
)
"""The rooms of the package from the ground up: a module imports from its own room and from floors below it."""

ROOMS = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
SMALLEST_ROOMS = ("errors", "streams", "train", "api", "__main__")
"""The only modules that are rooms of their own, at the top of the package."""


def imported_modules():
    """Return the modules of the package and those of it that each imports, deferred and type-checking ones, too."""
    names = {module_name(path): path for path in files(".")}

    def own(name):
        while name not in names:
            name = name.rpartition(".")[0]
        return name

    return {
        name: {own(found) for found in imports(path) if below(found, [OWN])} - {name} for name, path in names.items()
    }


def room_of(name):
    return name.split(".")[1] if "." in name else None


def test_a_module_imports_its_own_room_and_lower_floors():
    graph = imported_modules()
    rooms = {name: room_of(name) for name in graph}
    assert set(rooms.values()) == {None, *ROOMS}
    upwards = [
        f"{name} imports {found}"
        for name, imported in graph.items()
        for found in imported
        if rooms[found] not in (None, rooms[name]) and ROOMS[rooms[found]] >= ROOMS[rooms[name]]
    ]
    assert upwards == []


def defined_in(path):
    """Return the names that a file binds, in its functions, too, which finds more than there is but never less."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def test_whatever_is_imported_from_the_package_is_there():
    """Also inside functions, where only a rare call would find out, and where the type checker says nothing."""
    modules = {module_name(path): path for path in files(".")}
    names = {module: defined_in(path) for module, path in modules.items()}
    wrong = []
    for folder in ("zsl_runner", "scripts"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for found in imports(path):
                module, _, name = found.rpartition(".")
                if below(found, [OWN]) and found not in modules and name not in names.get(module, ()):
                    wrong.append(f"{module_name(path)} imports {found}")
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
    """Modules that import nothing left are taken away until none is; what is left would be circles."""
    left = imported_modules()
    while leaves := [name for name, imported in left.items() if not imported & left.keys()]:
        for name in leaves:
            del left[name]
    assert sorted(left) == []


def test_the_top_of_the_package_holds_the_commands_and_the_ground():
    assert sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__") == sorted(SMALLEST_ROOMS)


def test_the_map_shows_these_floors():
    page = (REPOSITORY / "docs" / "code.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", page, re.MULTILINE)
    shown = {int(floor): set(re.findall(r"`(\w+)`", rooms)) for floor, rooms in rows}
    assert shown == {floor: set(rooms.split()) for floor, rooms in enumerate(FLOORS, start=1)}


def test_docstrings_name_only_what_exists():
    """Names that begin with the package, in double or single backticks."""
    wrong = []
    for path in files("."):
        for name in re.findall(r"`(zsl_runner(?:\.\w+)+)`", path.read_text()):
            if name in (FOLDERS, SCHEMAS):
                continue
            try:
                pkgutil.resolve_name(name)
            except (ImportError, AttributeError):
                wrong.append(f"{module_name(path)}: {name}")
    assert wrong == []


KINDS_OF_DATA = re.compile(r"(Records|Shape|TrainingSet|EvaluationSet|ZeroShotTraining|ZeroShotEvaluation|Fold|View)$")


def test_kinds_of_data_are_told_apart_in_data_alone():
    """Elsewhere a model, trainer or evaluator reads one view of data, which its schema names."""
    found = [
        f"{module_name(path)}: {ast.unparse(node)}"
        for path in files(".")
        if not below(module_name(path), [f"{OWN}.data"])
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
        if any(KINDS_OF_DATA.search(name) for name in re.findall(r"[A-Z]\w+", ast.unparse(node.args[1])))
    ]
    assert found == []


CONFIG_FILES = ["hydra", "omegaconf", "yaml"]
READING = [f"{OWN}.data.load", f"{OWN}.data.records"]
EQUATIONS = [
    f"{OWN}.objectives.{path.stem}" for path in (PACKAGE / "objectives").glob("*.py") if path.stem != "normalisation"
]
"""What is minimised is no matter of the data, which take nothing but normalisations from there."""


@pytest.mark.parametrize(
    ("layer", "forbidden"),
    [
        ("models", [*CONFIG_FILES, f"{OWN}.tracking", *READING]),
        ("trainers", [*CONFIG_FILES, f"{OWN}.tracking", f"{OWN}.data.load", f"{OWN}.training.loop"]),
        ("data", EQUATIONS),
        ("classifiers", [*CONFIG_FILES, f"{OWN}.tracking", *READING]),
        ("class_prior", [*CONFIG_FILES, f"{OWN}.tracking", *READING]),
        ("evaluation", [*CONFIG_FILES, f"{OWN}.training"]),
        ("tracking", [f"{OWN}.objectives"]),
        ("config", [f"{OWN}.objectives"]),
    ],
)
def test_what_a_room_may_not_import_from_lower_floors(layer, forbidden):
    paths = files(layer, schemas=False)
    assert paths
    wrong = {(module_name(path), name) for path in paths for name in imports(path) if below(name, forbidden)}
    assert not wrong


def test_objectives_know_only_tensors():
    foreign = {
        (module_name(path), name)
        for path in files("objectives")
        for name in imports(path)
        if not below(name, ["torch", f"{OWN}.objectives", *STANDARD])
    }
    assert not foreign


def test_a_model_knows_no_other_model():
    """What families share stands beside their folders, in zsl_runner/models/*.py."""
    folders = [folder for folder in (PACKAGE / "models").iterdir() if (folder / "conf.py").is_file()]
    assert len(folders) > 1
    for folder in folders:
        others = [f"{OWN}.models.{other.name}" for other in folders if other != folder]
        for path in folder.glob("*.py"):
            assert not below_any(imports(path), others), path


def test_every_import_is_declared():
    distributions = packages_distributions()
    extras = [texts for extra, texts in PROJECT["optional-dependencies"].items() if extra != "dev"]
    declared = {re.match(r"[\w-]+", text)[0].lower() for text in sum(extras, PROJECT["dependencies"])}
    for path in files("."):
        for name in imports(path):
            root = name.partition(".")[0]
            if root not in STANDARD and root != OWN:
                names = {distribution.lower() for distribution in distributions.get(root, (root,))}
                assert names & declared, f"{module_name(path)} imports {root}, which pyproject.toml does not declare"


def test_schemas_configuration_and_records_import_no_torch():
    schemas = [path for path in files(".") if path.name == "conf.py"]
    assert len(schemas) > 10
    sources = list((PACKAGE / "data").rglob("source.py"))
    records = [PACKAGE / "data" / f"{name}.py" for name in ("records", "load", "command/cli", "zero_shot/options")]
    commands = [PACKAGE / name for name in ("train.py", "evaluate/cli.py", "report/cli.py")]
    modules = [module_name(path) for path in [*schemas, *files("config"), *sources, *records, *commands]]
    script = f"import importlib, sys\nfor name in {modules}:\n    importlib.import_module(name)\n"
    script += "    assert 'torch' not in sys.modules, name\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", PROJECT["scripts"])
def test_help_answers_without_torch(command, tmp_path):
    module, _, function = PROJECT["scripts"][command].partition(":")
    script = (
        f"import sys; sys.argv = [{command!r}, '--help']; from {module} import {function} as main\n"
        "try:\n    code = main()\nexcept SystemExit as leave:\n    code = leave.code\n"
        "assert not code, code\nassert 'torch' not in sys.modules\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert command in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_there_is_one_loop():
    classes = [
        (module_name(path), node.name, [ast.unparse(base).rpartition(".")[2] for base in node.bases])
        for path in files(".")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef)
    ]
    assert [module for module, name, _ in classes if name == "Loop"] == [f"{OWN}.training.loop"]
    assert [name for _, name, bases in classes if "Loop" in bases] == []


GLOBAL_GENERATORS = re.compile(r"\b(torch\.(cuda\.)?(manual_seed|seed)|np\.random\.(?!default_rng|Generator)\w+)\(")
NAMED_DEVICE = re.compile(r"\.cuda\(|torchvision")


def test_no_device_is_named():
    assert [module_name(path) for path in files(".") if NAMED_DEVICE.search(path.read_text())] == []


def test_no_global_generator_is_used():
    """`Streams` alone seeds it, inside a fork, for torch's own initialisers."""
    users = {module_name(path) for path in files(".") if GLOBAL_GENERATORS.search(path.read_text())}
    users |= {module_name(path) for path in files(".") if below_any(imports(path), ["random"])}
    assert users == {f"{OWN}.streams"}

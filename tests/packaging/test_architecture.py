"""Who may import whom. Data flow one way, and whatever answers `--help` stays free of torch."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "zsl_runner"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
STANDARD = sys.stdlib_module_names
OWN = "zsl_runner"


def module_name(path):
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


def imports(path):
    """Return the modules a file names in import statements, also those inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
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


ABOVE_MODELS = [f"{OWN}.{name}" for name in ("trainers", "evaluation", "tracking", "report", "loop", "run", "stages")]
ABOVE_GENERATORS = [f"{OWN}.classifiers", f"{OWN}.class_prior"]
MACHINERY = [f"{OWN}.{name}" for name in ("optim", "runtime", "checkpoint", "result", "run_directory")]
CONFIG_FILES = ["hydra", "omegaconf", "yaml"]


@pytest.mark.parametrize(
    ("layer", "forbidden"),
    [
        (
            "models",
            [*CONFIG_FILES, *ABOVE_MODELS, *MACHINERY, *ABOVE_GENERATORS, f"{OWN}.data.load", f"{OWN}.data.records"],
        ),
        ("trainers", [*CONFIG_FILES, f"{OWN}.evaluation", f"{OWN}.tracking", f"{OWN}.data.load", f"{OWN}.loop"]),
        ("data", [*ABOVE_MODELS, *MACHINERY, *ABOVE_GENERATORS, f"{OWN}.models", f"{OWN}.objectives"]),
        (
            "classifiers",
            [*CONFIG_FILES, *ABOVE_MODELS, *MACHINERY, f"{OWN}.class_prior", f"{OWN}.data.load", f"{OWN}.data.records"],
        ),
        ("class_prior", [*CONFIG_FILES, *ABOVE_MODELS, *MACHINERY, f"{OWN}.data.load", f"{OWN}.data.records"]),
        ("evaluation", [*CONFIG_FILES, *MACHINERY, f"{OWN}.trainers", f"{OWN}.loop", f"{OWN}.run"]),
        ("tracking", [f"{OWN}.{name}" for name in ("models", "trainers", "evaluation", "data", "loop", "run")]),
        ("config", [f"{OWN}.{name}" for name in ("loop", "run", "stages", "runtime", "tracking", "objectives")]),
    ],
)
def test_layers(layer, forbidden):
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
    records = [PACKAGE / "data" / f"{name}.py" for name in ("records", "load", "cli", "zero_shot_conf")]
    commands = [PACKAGE / name for name in ("train.py", "evaluate.py", "report/cli.py")]
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
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    assert [module for module, name, _ in classes if name == "Loop"] == [f"{OWN}.loop"]
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

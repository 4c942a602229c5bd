"""The wheel holds what a run needs and nothing else, and works from any directory."""

import json
import re

import pytest

from tests.packaging.distributions import REPOSITORY, content
from tests.results import recorded

COMMANDS = ("zsl-run", "zsl-eval", "zsl-data", "zsl-report")


def test_the_wheel_holds_every_module_and_every_configuration_file(wheel):
    names = set(content(wheel))
    modules = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "zsl_runner").rglob("*.py")}
    values = {"zsl_runner/" + path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "conf").rglob("*.yaml")}
    assert "zsl_runner/conf/config.yaml" in values
    package = {name for name in names if ".dist-info/" not in name}
    assert package == modules | values | {"zsl_runner/py.typed"}


def test_the_wheel_names_its_commands_and_licence(wheel):
    files = {name.partition(".dist-info/")[2]: text.decode() for name, text in content(wheel).items()}
    for command in COMMANDS:
        assert re.search(rf"^{command} = zsl_runner\.[\w.]+:main$", files["entry_points.txt"], re.MULTILINE)
    assert "Apache License" in files["licenses/LICENSE"]
    assert "License-Expression: Apache-2.0" in files["METADATA"]
    assert "Requires-Python: >=3.11" in files["METADATA"]


def test_the_source_distribution_builds_the_same_wheel(wheel, wheel_of_sdist):
    expected, found = content(wheel), content(wheel_of_sdist)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    return tmp_path_factory.mktemp("elsewhere")


def test_code_and_configuration_come_from_the_wheel(installed, elsewhere):
    script = (
        "import zsl_runner; from zsl_runner.config.paths import conf_directory as c; print(zsl_runner.__file__, c())"
    )
    code, conf = installed.run("python", "-c", script, folder=elsewhere).split()
    assert code == str(installed.packages / "zsl_runner" / "__init__.py")
    assert conf == str(installed.packages / "zsl_runner" / "conf")
    assert f"file://{conf}" in installed.run("zsl-run", "--info", "searchpath", folder=elsewhere)


@pytest.mark.parametrize("command", COMMANDS)
def test_help(installed, elsewhere, command):
    assert command in installed.run(command, "--help", folder=elsewhere)


def test_showing_and_checking_write_nothing(installed, tmp_path):
    shown = installed.run("zsl-run", "--cfg", "job", "model=vzsl", folder=tmp_path)
    assert re.search(r"^  kind: vzsl$", shown, re.MULTILINE)
    assert "no problem found" in installed.run("zsl-run", "task=check", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_leaves_its_results_in_the_working_directory(installed, tmp_path):
    quick = ["trainer=seen_only", "trainer.steps=4", "evaluator.every=4", "tracker.figures=false", "name=first"]
    small = ["model=sgal", "dataset=toy", "model.prior.hidden=[16]"]
    printed = installed.run("zsl-run", *small, *quick, folder=tmp_path)
    assert "tensorboard --logdir outputs" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]
    run = tmp_path / "outputs" / "sgal" / "toy" / "first"
    result = recorded(run)
    assert result["status"] == "complete"
    assert {"test/T1", "test/U", "test/S", "test/H"} <= result["metrics"].keys()
    table = installed.run("zsl-report", "outputs", folder=tmp_path)
    assert f"{result['metrics']['test/H']:.1f}" in table
    scores = json.loads(installed.run("zsl-eval", run, "--json", folder=tmp_path))
    assert scores["metrics"]["test/H"] == pytest.approx(result["metrics"]["test/H"])
    assert "unseen" in installed.run("zsl-data", "describe", "toy", folder=tmp_path)

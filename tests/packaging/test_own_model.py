"""The package on docs/guides/own_model.md: written out as an installed one is, trained, scored and generated from."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from contextlib import contextmanager

import pytest

from tests.forked import IMPORTED_LATE
from tests.packaging.distributions import REPOSITORY
from tests.parent import Parent
from tests.results import recorded

FILE = re.compile(r"^```(?:python|yaml|toml) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = (REPOSITORY / "docs" / "guides" / "own_model.md").read_text(encoding="utf-8")


def write_out(folder):
    for name, text in FILE.findall(PAGE):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def zsl_run(tmp_path_factory):
    """Write the package out and return what runs zsl-run with it, in a folder of its own."""
    site = tmp_path_factory.mktemp("site")
    write_out(site)
    project = tomllib.loads((site / "pyproject.toml").read_text())["project"]
    information = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n")
    entries = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in found.items())
        for group, found in project["entry-points"].items()
    ]
    (information / "entry_points.txt").write_text("".join(entries))
    parent = Parent(*IMPORTED_LATE)

    def run(folder, *arguments):
        return parent.run(folder, folder / "log", *arguments, places=[site])

    run.site = site
    yield run
    parent.end()


def result(folder, name):
    return recorded(folder / "outputs" / "class_gaussians" / "toy" / name)


def test_it_is_built_whole(tmp_path):
    """As ``pip install ./class_gaussians`` builds it, without the network."""
    pytest.importorskip("hatchling", reason="needs hatchling (constraints.txt)")
    write_out(tmp_path)
    command = [sys.executable, "-c", "import hatchling.build; print(hatchling.build.build_wheel('dist'))"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    files = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("class_gaussians/")}
    assert files == {name for name, _ in FILE.findall(PAGE) if name.startswith("class_gaussians/")}


def test_it_is_trained_and_scores_unseen_classes(zsl_run, tmp_path):
    done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy", "trainer.steps=300", "tracker.figures=false")
    assert done.returncode == 0, done.stderr
    assert result(tmp_path, "steps-300+seed-0")["metrics"]["test/T1"] > 60  # chance is 20


@pytest.mark.slow
def test_its_features_train_a_final_classifier(zsl_run, tmp_path):
    arguments = ("model=class_gaussians", "dataset=toy", "evaluator=final_classifier", "trainer.steps=300", "name=f")
    done = zsl_run(tmp_path, *arguments, "tracker.figures=false")
    assert done.returncode == 0, done.stderr
    assert result(tmp_path, "f")["metrics"]["test/H"] > 40


@pytest.mark.slow
def test_it_keeps_the_contracts(zsl_run, tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    environment = os.environ | {"PYTHONPATH": f"{zsl_run.site}{os.pathsep}{REPOSITORY}", "OMP_NUM_THREADS": "1"}
    command += [zsl_run.site / "checks"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout


def test_what_its_options_do_not_allow_is_refused(zsl_run, tmp_path):
    done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy", "model.likelihood_weight=-1")
    assert done.returncode == 2
    assert "model.likelihood_weight" in done.stderr


def test_without_a_method_its_base_class_asks_for_nothing_is_read(zsl_run, tmp_path):
    module = zsl_run.site / "class_gaussians" / "model.py"
    whole = module.read_text()
    module.write_text(whole.replace("def synthesize", "def synthesise"))
    try:
        done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy")
    finally:
        module.write_text(whole)
    assert done.returncode == 1
    assert "class_gaussians.model:ClassGaussians must define synthesize" in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def changed(file, *replacements):
    """Have a file with other text inside the block."""
    whole = file.read_text()
    text = whole
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    try:
        yield
    finally:
        file.write_text(whole)


def test_its_failures_are_told_with_their_line_and_whose_code_it_is(zsl_run, tmp_path):
    module = zsl_run.site / "class_gaussians" / "model.py"
    with changed(module, ("place.unsqueeze(1)", "places.unsqueeze(1)")):
        line = 1 + next(n for n, text in enumerate(module.read_text().splitlines()) if "places.unsqueeze" in text)
        done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy", "name=fails")
    assert done.returncode == 1
    assert f"{module}, line {line}, in loss_terms, of the package class-gaussians: mend it there" in done.stderr
    assert "error.txt" in done.stderr
    assert "report this bug" not in done.stderr
    conf = zsl_run.site / "class_gaussians" / "conf.py"
    method = "    def problems(self):\n        return [self.no_such_option]\n\n    kind: str = option("
    with changed(conf, ("    kind: str = option(", method)):
        done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy")
    assert done.returncode == 1
    assert f"{conf}, line " in done.stderr
    assert "in problems, of the package class-gaussians: mend it there; the traceback is in " in done.stderr
    assert "a bug" not in done.stderr


def test_a_capability_that_no_model_has_is_told_with_the_one_that_may_be_meant(zsl_run, tmp_path):
    conf = zsl_run.site / "class_gaussians" / "conf.py"
    with changed(
        conf, ('"loss_terms", "synthesize"', '"loss_terms", "synthesise"'), ('"class_vectors"', '"class_vector"')
    ):
        done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy", "evaluator=final_classifier")
    assert done.returncode == 2
    assert "does not offer: class_vector (did you mean class_vectors?)\n" in done.stderr
    assert "does not offer: synthesize\n" in done.stderr  # a word that other models offer is no misprint


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            (('return {"autoencoder"', '{"autoencoder"'),),
            "parameter_groups returned a NoneType, expected lists by name",
        ),
        ((('return {"autoencoder": [self.log_var], ', "return {"),), "the group 'autoencoder' of parameters has no"),
        (
            (("x.shape[1]}", "x[0]}"),),
            r"term likelihood of the loss: expected a tensor of one number, found one of shape",
        ),
    ],
)
def test_what_its_methods_return_is_refused_by_name(zsl_run, tmp_path, change, told):
    with changed(zsl_run.site / "class_gaussians" / "model.py", *change):
        done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy")
    assert done.returncode == 1
    assert told in done.stderr
    assert "report this bug" not in done.stderr


def test_layers_in_a_plain_list_are_refused_before_they_are_not_trained(zsl_run, tmp_path):
    layer = "        self.mean = nn.Linear("
    with changed(
        zsl_run.site / "class_gaussians" / "model.py", (layer, f"        self.more = [nn.Linear(2, 2)]\n{layer}")
    ):
        done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy", "trainer.steps=3", "tracker.figures=false")
    assert done.returncode == 1
    assert "self.more is a plain list of Linear; make it an nn.ModuleList" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("streams", [True, False])
def test_numbers_of_the_global_generator_are_told_and_recorded(zsl_run, tmp_path, streams):
    drawn = "" if streams else "        x = nn.functional.dropout(x, 0.1)\n"
    densities = "        densities = self.class_scores("
    with changed(zsl_run.site / "class_gaussians" / "model.py", (densities, drawn + densities)):
        short = ("trainer.steps=3", "tracker.figures=false", "name=short")
        done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy", *short)
    assert done.returncode == 0, done.stderr
    told = [text for text in result(tmp_path, "short")["warnings"] if "torch's global generator" in text]
    assert len(told) == (0 if streams else 1)
    assert ("zsl_runner.models.networks:Dropout" in done.stdout + done.stderr) is not streams


def test_what_takes_other_arguments_than_it_is_given_is_refused_with_both(zsl_run, tmp_path):
    module = zsl_run.site / "class_gaussians" / "model.py"
    with changed(module, ("shape: ZeroShotShape, streams: Streams) -> None", "shape: ZeroShotShape) -> None")):
        done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy")
    told = "class_gaussians.model:ClassGaussians is called with (ClassGaussiansConf, ZeroShotShape, Streams), which it"
    assert f"{told} does not take: too many positional arguments" in done.stderr
    with changed(module, ("class_scores(self, x: Tensor, class_vectors: Tensor)", "class_scores(self, x: Tensor)")):
        done = zsl_run(tmp_path, "model=class_gaussians", "dataset=toy")
    told = "class_scores(self, x) is called as ClassScorer.class_scores(self, x, class_vectors)"
    assert f"class_gaussians.model:ClassGaussians: {told}" in done.stderr


def test_it_follows_the_house_style(zsl_run):
    pytest.importorskip("ruff", reason="needs ruff (extra dev)")
    settings = ["--no-cache", "--config", REPOSITORY / "pyproject.toml"]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings, "class_gaussians"],
            cwd=zsl_run.site,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

"""Every command of the guides is run in its order, in a folder of its own for each guide."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
GUIDES = REPOSITORY / "docs" / "guides"
SCRIPTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
STEP = re.compile(r"^    (zsl-[^\n]+)$|^```(python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS_DATA = {"reproduce"}
ELSEWHERE = {"sweep", "slurm", "ray", "get_data"}
"""Three need launchers, and tests/launching runs what they show; test_get_data stands in for what the last one gets."""
OWN_PACKAGE = "model=class_gaussians"
"""Of the package that stands on a guide; tests/packaging/test_own_model.py writes it out and runs it."""

guides = pytest.mark.parametrize("guide", sorted({path.stem for path in GUIDES.glob("*.md")} - ELSEWHERE))


def steps(guide):
    """Yield (kind, content) in the order of the page."""
    for match in STEP.finditer((GUIDES / f"{guide}.md").read_text()):
        if match[1] and OWN_PACKAGE not in match[1]:
            yield "command", re.split(r"\s{2,}", match[1])[0]
        elif match[2]:
            yield match[2], match[3]


@pytest.fixture
def shell(tmp_path):
    """Return what runs a command of the package as a user would, from a folder that is not the repository."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, target in SCRIPTS.items():
        module, _, function = target.partition(":")
        path = commands / name
        path.write_text(f"#!{sys.executable}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n")
        path.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    environment = os.environ | {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": "1",
        "ZSL_CACHE": str(tmp_path / "cache"),
    }

    def run(*command):
        return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=900)

    run.folder = folder
    return run


@pytest.mark.slow
@guides
def test_every_command_runs(guide, shell):
    if guide in NEEDS_DATA and "ZSL_DATA" not in os.environ:
        pytest.skip("needs published data: set ZSL_DATA")
    for kind, content in steps(guide):
        if kind == "yaml":
            path = shell.folder / re.match(r"# (\S+)\n", content)[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            continue
        done = shell(sys.executable, "-c", content) if kind == "python" else shell("bash", "-c", content)
        assert done.returncode == 0, f"{content}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@guides
def test_a_guide_has_something_to_run(guide):
    assert len([content for kind, content in steps(guide) if kind in ("command", "python")]) >= 4


def test_a_guide_for_every_task():
    assert {"first_run", "own_data", "own_model", "compare", "resume", "reproduce"} <= {
        path.stem for path in GUIDES.glob("*.md")
    }


@pytest.fixture
def build(tmp_path):
    """Return what builds pages strictly; skips where the extra ``docs`` is not installed."""
    pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install '.[docs]'")
    pytest.importorskip("myst_parser", reason="myst-parser is not installed: pip install '.[docs]'")

    def run(source):
        options = ["-W", "--keep-going", "-n", "-q", "-b", "dummy", "-c", str(source / "docs")]
        command = [sys.executable, "-m", "sphinx", *options, str(source), str(tmp_path / "html")]
        return subprocess.run(command, capture_output=True, text=True, timeout=600)

    return run


@pytest.mark.slow
def test_the_pages_build_strictly(build):
    done = build(REPOSITORY)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_broken_link_fails_the_build(build, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(REPOSITORY / "docs", source / "docs", ignore=shutil.ignore_patterns("*.png"))
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "CITATION.cff"):
        shutil.copy(REPOSITORY / name, source)
    page = source / "docs" / "guides" / "compare.md"
    page.write_text(page.read_text() + "\n[nowhere](absent.md)\n")
    done = build(source)
    assert done.returncode != 0
    assert "absent.md" in done.stderr

"""Builds the package once and installs it into an environment of its own."""

import os
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.packaging.distributions import REPOSITORY, build, succeed


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    return build("wheel", REPOSITORY, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def wheel_of_sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    archive = build("sdist", REPOSITORY, folder / "archive")
    with tarfile.open(archive) as opened:
        opened.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    return build("wheel", source, folder / "wheel")


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """Return what runs a command of the installed wheel in a working directory.

    The environment is empty but for the wheel; its dependencies are those of the environment of the tests, found
    through a path file. Python adds what a path file names as a plain folder, without the path files inside: an
    editable installation there stays invisible.
    """
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    succeed([sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel])
    packages = Path(succeed([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    (packages / "dependencies.pth").write_text(
        "".join(f"{sysconfig.get_path(name)}\n" for name in ("purelib", "platlib"))
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ZSL_DATA")}
    environment["OMP_NUM_THREADS"] = "1"

    def run(name, *arguments, folder):
        command = python if name == "python" else home / "bin" / name
        return succeed([command, *arguments], cwd=folder, env=environment)

    return SimpleNamespace(run=run, packages=packages)

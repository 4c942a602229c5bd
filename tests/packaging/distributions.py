"""How the tests of this folder build distributions and look into them."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def succeed(command, **options):
    """Run a command and return its output; fail with all it wrote if it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(kind, source, target):
    """Build one distribution with the tools of this environment, without network."""
    pytest.importorskip("build", reason="needs the package `build` (extra dev)")
    succeed([sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", target, source])
    (made,) = target.iterdir()
    return made


def content(wheel):
    """Return the files of a wheel by name, without the record of checksums."""
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith("/RECORD")}

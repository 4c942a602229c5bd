"""The scripts of studies, with a stand-in for zsl-run that only notes its run."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
STAND_IN = """#!/usr/bin/env bash
for argument in "$@"; do
  case $argument in
    name=*) name=${argument#*=} ;;
    seed=*) seed=${argument#*=} ;;
    outputs=*) outputs=${argument#*=} ;;
  esac
done
mkdir -p "$outputs/model/data/$name+seed-$seed"
echo '"status": "complete"' >"$outputs/model/data/$name+seed-$seed/result.json"
echo "$name $seed" >>"$NOTES"
"""


@pytest.fixture
def study(tmp_path):
    """Return what runs a copy of a script and gives the runs that it started."""
    for folder in ("bin", "scripts"):
        (tmp_path / folder).mkdir()
    program, notes = tmp_path / "bin" / "zsl-run", tmp_path / "notes"
    program.write_text(STAND_IN)
    program.chmod(0o755)

    def run(name, **settings):
        script = tmp_path / "scripts" / name
        script.write_text((SCRIPTS / name).read_text())
        notes.write_text("")
        places = {"PATH": f"{program.parent}:{os.environ['PATH']}", "NOTES": str(notes), "ZSL_DATA": str(tmp_path)}
        subprocess.run(["bash", script], check=True, env=os.environ | places | settings, capture_output=True)
        return notes.read_text().splitlines()

    return run


def test_half_the_size_is_a_study_of_its_own(study):
    full = study("study_prototype_contrast", SEEDS="0")
    assert len(full) > 5
    assert study("study_prototype_contrast", SEEDS="0") == []  # complete runs are not repeated
    assert len(study("study_prototype_contrast", SEEDS="0", SIZE="half")) > 5

"""Presets of sweeps and launchers: what they expand to, what they choose, and what is said without their plugins."""

import sys
import tomllib
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tests.launching.processes import needs
from zsl_runner import train
from zsl_runner.config.check import check
from zsl_runner.config.command import read
from zsl_runner.config.compose import EXTRAS
from zsl_runner.config.gpus import gpu_of_job
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.sweep import columns, expand, is_search, starts_elsewhere

MODULES = {
    "pool": "hydra_joblib_launcher",
    "slurm": "hydra_submitit_launcher",
    "slurm_local": "hydra_submitit_launcher",
    "ray_local": "hydra_ray_launcher",
    "ray_cluster": "hydra_ray_launcher",
}


def present(module):
    return not needs(module, "").args[0]


@pytest.mark.parametrize(
    ("arguments", "several"),
    [
        (["sweep=seeds"], True),
        (["-m", "seed=0"], True),
        (["hydra.mode=MULTIRUN"], True),
        (["sweep=seeds", "sweep=null"], False),
        (["seed=0"], False),
    ],
)
def test_a_preset_needs_no_flag(arguments, several):
    assert read(arguments).several is several


def runs_of(loader, *arguments):
    return expand(loader, arguments, loader.sweep_settings(arguments))


def test_seeds_and_grid(loader):
    assert [run[0] for run in runs_of(loader, "sweep=seeds")] == [f"seed={seed}" for seed in range(5)]
    assert [run[0] for run in runs_of(loader, "sweep=seeds", "seed=7,8")] == ["seed=7", "seed=8"]
    grid = runs_of(loader, "sweep=grid", "model.latent_dim=8,16")
    assert len(grid) == 6
    verdict = check(loader, [*grid[0], "dataset=toy"], strictly=False)
    assert verdict.config.tracker.tensorboard is False


def test_a_file_that_asks_for_a_sweep_is_refused_where_one_run_was_asked_for(tmp_path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\ndefaults:\n  - override /sweep: seeds\n")
    ours = Loader(Source(conf_directory(), extra=tmp_path))
    (problem,) = check(ours, ["experiment=mine", "dataset=toy"]).problems
    assert "add -m" in problem.message
    assert check(ours, ["experiment=mine", "dataset=toy"], alone=False).problems == ()


def test_the_last_word_on_a_key_counts(loader):
    settings = OmegaConf.create({"sweeper": {"params": {"seed": "0,1"}}})
    assert columns(loader, ["model=sgal", "seed=5"], settings) == {"seed": ["seed=5"], "model": ["model=sgal"]}


@pytest.mark.parametrize("name", MODULES)
def test_a_launcher_composes_or_names_the_extra_it_needs(loader, monkeypatch, capsys, tmp_path, name):
    arguments = ["-m", f"hydra/launcher={name}", "dataset=toy", f"outputs={tmp_path}/outputs", "seed=0,1", "task=check"]
    monkeypatch.setattr(sys, "argv", ["zsl-run", *arguments])
    code = train.main()
    told = capsys.readouterr()
    if present(MODULES[name]):
        assert code == 0, told.err
        settings = loader.sweep_settings(arguments[1:])
        assert starts_elsewhere(settings) is (name in ("slurm", "ray_local", "ray_cluster"))
        assert not is_search(settings)
    else:
        assert code == 2
        extra = name.partition("_")[0]
        assert f"needs a plugin that is not installed: pip install 'zsl-run[{extra}]'" in told.err
    assert list(tmp_path.iterdir()) == []


def test_every_extra_is_one_of_the_package():
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS.values()) <= project["optional-dependencies"].keys()


def test_gpus_are_taken_in_turn(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [gpu_of_job(number, lambda: 3) for number in range(5)] == ["0", "1", "2", "0", "1"]
    assert gpu_of_job(1, lambda: 0) == ""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert [gpu_of_job(number, lambda: 8) for number in range(3)] == ["2", "5", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_of_job(0, lambda: 8) == ""


def test_yaml_files_can_ask_for_the_gpu_of_a_job(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    config = OmegaConf.create({"hydra": {"job": {"num": 3, "gpu": "${gpu_of_job:${hydra.job.num}}"}}})
    assert config.hydra.job.gpu == "6"

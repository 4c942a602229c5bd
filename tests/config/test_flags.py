"""Flags of zsl-run are read as Hydra reads them; those that are none, do nothing or lead nowhere are refused."""

import pytest

from zsl_runner.config.command import read
from zsl_runner.errors import ConfigError


@pytest.mark.parametrize(
    "arguments", [("-c=job", "model=vzsl"), ("--cfg", "job", "model=vzsl"), ("model=vzsl", "-c", "job")]
)
def test_flags_of_hydra_are_read(arguments):
    found = read(arguments)
    assert found.overrides == ("model=vzsl",)
    assert found.only_shows


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seed=1",), "--seed: no such flag; options are written without dashes: seed=1"),
        (("--seed", "1"), "--seed: no such flag; options are written without dashes: seed=1"),
        (("-model=vzsl", "seed=1"), "-model: no such flag; options are written without dashes: model=vzsl"),
        (
            ("--model.latent-dim", "8"),
            "--model.latent-dim: no such flag; options are written without dashes: model.latent_dim=8",
        ),
        (("seed=1", "--model", "seed=2"), "--model: no such flag; options are written without dashes: model=VALUE"),
        (("--explian", "seed"), "--explian: no such flag; did you mean --explain?"),
        (("--multi-run",), "--multi-run: no such flag; did you mean --multirun?"),
        (("--config-dir",), "argument --config-dir/-cd: expected one argument"),
    ],
)
def test_a_flag_that_is_none(arguments, told):
    with pytest.raises(ConfigError) as refused:
        read(arguments)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--resolve",), "--resolve: has no effect without --cfg job, which prints the configuration"),
        (("-p", "model", "seed=1"), "--package: has no effect without --cfg job, which prints the configuration"),
        (("-m", "--cfg", "job", "seed=1,2"), "--multirun and --cfg: only one of them can be done at a time"),
        (("--run", "-m"), "--run and --multirun: only one of them can be done at a time"),
        (("--info", "-sc"), "--info and --shell-completion: only one of them can be done at a time"),
        (("-c", "job", "resume=a"), "--cfg beside resume=a: the configuration of that run is in its config.yaml"),
    ],
)
def test_flags_that_contradict_each_other_or_do_nothing(arguments, told):
    with pytest.raises(ConfigError) as refused:
        read(arguments)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--config-path", "here", "--config-name", "config"), "give an absolute path"),
        (("--config-path", "/no/such/folder"), "no such folder"),
        (("--config-dir", "missing"), "no such folder"),
        (("--experimental-rerun", "x.pickle"), "resume=RUN"),
        (("--config-name", "other"), "Cannot find primary config 'other'"),
    ],
)
def test_flags_that_lead_nowhere(main, capsys, arguments, expected):
    assert main(*arguments) == 2
    assert expected in capsys.readouterr().err
    assert main.calls == []


def test_a_part_to_be_shown_that_is_none(main, capsys):
    assert main("--cfg", "job", "--package", "nix") == 2
    assert "'nix'" in capsys.readouterr().err

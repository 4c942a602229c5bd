"""What zsl-run answers about its options: what they mean, which there are, and copies of their files."""

import errno
import os
from dataclasses import asdict

import pytest
import yaml

from zsl_runner.config.check import check
from zsl_runner.config.compose import COMPOSED_GROUPS, compose
from zsl_runner.config.described import options_below, own_options
from zsl_runner.config.draft import Draft
from zsl_runner.config.explain import copy_option, explain, options_of
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS, RunConfig
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.sweeps.command import perform


def test_an_option_with_its_meaning_its_readers_and_its_value(loader):
    first, *others = explain("model.latent_dim", loader, ["model=vzsl", "model.latent_dim=7"]).split("\n\n")
    assert first.splitlines()[0] == "model.latent_dim"
    assert "type      an integer, 1 <= value" in first
    assert "read by   model=cada_vae, model=cada_vae_released, model=sgal, model=sgal_released, model=vzsl" in first
    assert "in force  7  (command line: model.latent_dim=7)" in first
    assert others
    assert not any("in force" in other for other in others)
    assert "in force  0.9  (" in explain("trainer.em.gen_ratio", loader, [])
    assert "conf/trainer/em.yaml, line " in explain("trainer.em.gen_ratio", loader, [])


def test_an_origin_is_where_the_option_itself_is_given_and_not_its_block(loader):
    def in_force(key):
        told = explain(key, loader, ["trainer.optim.lr=0.1", "model.prior.hidden.0=7"])
        return told.partition("in force  ")[2].partition("\n")[0]

    assert in_force("trainer.optim.lr") == "0.1  (command line: trainer.optim.lr=0.1)"
    assert "conf/trainer/em.yaml, line " in in_force("trainer.optim.algorithm")
    assert "momentum" not in (conf_directory() / "trainer" / "em.yaml").read_text()
    assert in_force("trainer.optim.momentum") == "0.0  (the built-in defaults)"
    assert in_force("model.prior.hidden") == "[7, 1024]  (command line: model.prior.hidden.0=7)"


def test_a_problem_in_a_block_does_not_blame_another_option_of_it(loader):
    draft = Draft(compose(loader, ["trainer.optim.lr=0.1"]))
    draft.report("trainer.optim.momentum", "is wrong")
    assert draft.problems[-1].origin == ""
    draft = Draft(compose(loader, []))
    draft.report("trainer.optim.momentum", "is wrong")
    assert "conf/trainer/em.yaml, line " in draft.problems[-1].origin  # the block it would be written in


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("seed=abc", r"1 problem found; nothing is in force(.|\n)*expected an integer, found 'abc'"),
        ("model=nix", "no option 'nix'"),
        ("sed=3", "no such option; did you mean seed"),
        ("seed=1,2", "^seed=1,2: several values; --explain tells the value of one run$"),
        ("resume=nowhere", "nowhere"),
    ],
)
def test_what_stands_beside_the_key_is_understood_or_refused(loader, argument, told):
    with pytest.raises(ConfigError, match=told):
        explain("seed", loader, [argument])


def test_a_value_that_files_lack_is_explained(loader):
    assert "dataset.root\n" in explain("dataset.root", loader, ["dataset=xlsa17"])


def test_the_value_of_a_run_that_is_resumed(loader, verdict, tmp_path):
    run = tmp_path / "outputs" / "run"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump(asdict(verdict("dataset=toy", "seed=6").config)))
    assert "in force  6  (" in explain("seed", loader, [f"resume={run}"])


@pytest.mark.parametrize(
    "key", ["seed", "gen_ratio", "trainer.em", "runtime", "tracker.figures", "debug.anomaly", "optim.lr"]
)
def test_full_keys_last_parts_and_blocks(loader, key):
    told = explain(key, loader, [])
    assert "in force" in told or key == "runtime"
    assert told


def test_a_full_key_is_that_key_alone(loader):
    told = explain("name", loader, ["name=mine"]).split("\n\n")
    assert [part.splitlines()[0] for part in told] == [
        "name",
        "see also dataset.name, model.name, trainer.name, evaluator.name",
    ]
    assert "in force  mine  (command line: name=mine)" in told[0]
    assert len(explain("seed", loader, []).split("\n\n")) == 1


def test_every_option_can_be_explained(loader):
    keys = {option.key for option in own_options(RunConfig, "")}
    for group in GROUPS:
        for schema in schemas(group).values():
            keys |= {option.key for option in options_below(schema, group)}
    for key in sorted(keys)[:: max(1, len(keys) // 8)]:
        assert f"{key}\n" in explain(key, loader, [])


@pytest.mark.parametrize(
    ("key", "meant"),
    [("model.latentdim", "model.latent_dim"), ("gen_ration", "gen_ratio"), ("trainer.em.copy", "copies")],
)
def test_an_option_that_does_not_exist(loader, key, meant):
    with pytest.raises(ConfigError, match=f"no such option; did you mean .*{meant}"):
        explain(key, loader, [])


@pytest.mark.parametrize("group", COMPOSED_GROUPS)
def test_every_option_of_a_group_has_a_line_of_words(loader, group):
    lines = options_of(group, loader).splitlines()
    assert [line.split()[0] for line in lines] == sorted(loader.options(group))
    assert [line for line in lines if len(line.split()) < 2] == []
    assert explain(group, loader, []) == options_of(group, loader)


def test_a_group_that_does_not_exist(loader):
    with pytest.raises(ConfigError, match="--list modle: no such group; did you mean model"):
        options_of("modle", loader)


def test_a_copy_is_another_option_and_is_never_overwritten(loader, tmp_path):
    said = copy_option("experiment", "sgal/cub", loader, tmp_path / "mine")
    copy = tmp_path / "mine" / "experiment" / "sgal" / "my_cub.yaml"
    assert said == f"{copy}: change it, then\n  zsl-run --config-dir {tmp_path}/mine experiment=sgal/my_cub"
    assert copy.read_bytes() == (conf_directory() / "experiment" / "sgal" / "cub.yaml").read_bytes()
    content = yaml.safe_load(copy.read_text())
    content["seed"] = 77
    copy.write_text("# @package _global_\n" + yaml.safe_dump(content))
    ours = Loader(Source(conf_directory(), extra=tmp_path / "mine"))
    verdict = check(ours, ["experiment=sgal/my_cub", "dataset=toy"], strictly=False)
    assert verdict.config.seed == 77
    with pytest.raises(ConfigError, match="not overwritten; choose another folder with --to FOLDER"):
        copy_option("experiment", "sgal/cub", loader, tmp_path / "mine")


def test_a_copy_on_a_full_disk_is_told_by_its_file_and_leaves_no_half(loader, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"my_cub\.yaml: cannot be written: No space left on device"):
            copy_option("experiment", "sgal/cub", loader, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    copy_option("experiment", "sgal/cub", loader, tmp_path)  # nothing is in the way of another attempt


def full(_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("group", "name", "hint"),
    [("experiment", "sgal/cup", "did you mean sgal/cub"), ("experimant", "x", "did you mean exp")],
)
def test_a_copy_of_nothing(loader, tmp_path, group, name, hint):
    with pytest.raises(ConfigError, match=hint):
        copy_option(group, name, loader, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_asks(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert perform(["--explain", "seed", "seed=5"]) == 0
    assert "in force  5  (command line: seed=5)" in capsys.readouterr().out
    assert perform(["--list", "sweep"]) == 0
    assert "Five repetitions." in capsys.readouterr().out
    assert perform(["--list"]) == 0
    assert "experiment" in capsys.readouterr().out
    assert perform(["--copy", "model", "vzsl", "--to", "own"]) == 0
    assert (tmp_path / "own" / "model" / "my_vzsl.yaml").is_file()
    assert "zsl-run --config-dir own model=my_vzsl" in capsys.readouterr().out
    assert perform(["--copy", "model", "vzsl", "--to", "my own"]) == 0
    assert "zsl-run --config-dir 'my own' model=my_vzsl" in capsys.readouterr().out


@pytest.mark.parametrize("question", [("--list", "model"), ("--copy", "model", "vzsl")])
def test_nothing_beside_a_question_is_ignored(question, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^dataset: not understood beside --list or --copy$"):
        perform([*question, "dataset"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--explain", "seed", "--cfg", "job"), "--cfg job: not understood beside --explain"),
        (("--list", "model", "-sc"), "-sc: not understood beside --explain"),
        (("--list", "model", "--to", "x"), "--to x: has no effect without --copy GROUP NAME"),
    ],
)
def test_no_flag_beside_a_question_is_ignored(arguments, told):
    with pytest.raises(ConfigError, match=told):
        perform(arguments)

import re
import shlex

import pytest

from zsl_runner.config.check import check
from zsl_runner.config.loader import Source
from zsl_runner.config.typed import to_yaml


@pytest.fixture
def saved(verdict, tmp_path):
    """The directory of a run with its saved configuration."""
    directory = tmp_path / "runs" / "seed-3"
    directory.mkdir(parents=True)
    config = verdict("model=vzsl", "dataset=toy", "model.latent_dim=5", "seed=3").config
    (directory / "config.yaml").write_text(to_yaml(config))
    return directory, config


def test_a_replay_keeps_schema_and_values(verdict, saved):
    directory, config = saved
    again = verdict(source=Source(directory))
    assert again.problems == ()
    assert again.config == config


def test_a_replay_takes_overrides_and_checks_them(problems, verdict, saved):
    source = Source(saved[0])
    assert verdict("model.latent_dim=6", "seed=4", source=source).config.model.latent_dim == 6
    wrong = ("+model.typo=1", "model.latent_dim=0", "trainer=em", "model.kind=sgal", "tracker=minimal")
    found = problems(*wrong, source=source)
    assert "model=vzsl has no such option" in found["model.typo"][0]
    assert "expected 1 <= value" in found["model.latent_dim"][0]
    assert "a saved configuration keeps its parts" in found["trainer"][0]
    assert "keeps its parts; change values of it with tracker.OPTION=VALUE" in found["tracker"][0]
    assert "is fixed to 'vzsl'" in found["model.kind"][0]


def test_an_edited_saved_configuration_is_checked(problems, saved):
    directory, config = saved
    text = to_yaml(config).replace("latent_dim: 5", "latent_dim: five\n  latentdim: 5").replace("kind: em", "kind: emm")
    (directory / "config.yaml").write_text(text)
    found = problems(source=Source(directory))
    assert set(found) == {"model.latent_dim", "model.latentdim"}
    (directory / "config.yaml").write_text(to_yaml(config).replace("kind: vzsl", "kind: vzls"))
    assert "no model of kind 'vzls'; did you mean vzsl?" in problems(source=Source(directory))["model.kind"][0]


def test_resume_takes_the_saved_configuration_and_harmless_changes(loader, saved):
    directory, config = saved
    arguments = [f"resume={directory}", "tracker.figures=false", "runtime.threads=2", "evaluator.batch_size=7"]
    found = check(loader, arguments, count_devices=lambda: 0)
    assert found.problems == ()
    assert found.resumes == directory
    changed = (found.config.tracker.figures, found.config.runtime.threads, found.config.evaluator.batch_size)
    assert changed == (False, 2, 7)
    assert (found.config.model, found.config.seed) == (config.model, 3)


def test_resume_takes_harmless_changes_in_braces(loader, saved):
    directory, config = saved
    found = check(loader, [f"resume={directory}", "checkpoint={every: 7}", "tracker={log_every: 3, figures: false}"])
    assert found.problems == ()
    tracker, kept = found.config.tracker, found.config.checkpoint
    assert (kept.every, kept.keep, tracker.log_every, tracker.figures) == (7, config.checkpoint.keep, 3, False)
    assert tracker.tensorboard == config.tracker.tensorboard
    (problem,) = check(loader, [f"resume={directory}", "checkpoint={evry: 7}"]).problems
    assert problem.key == "checkpoint.evry"


def test_resume_refuses_other_changes_by_name(problems, saved):
    directory, _ = saved
    found = problems(f"resume={directory}", "seed=4", "+model.latent_dim=3", "trainer=em", "tracker=minimal", "~name")
    assert set(found) == {"outputs", "seed", "model.latent_dim", "trainer", "tracker", "name"}
    for message, _ in found.values():
        assert "cannot be changed while a run is resumed" in message
        assert "checkpoint.*" in message
    assert found["seed"][1] == "command line: seed=4"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["sweep=seeds"], {"sweep": "command line: sweep=seeds"}),
        (["-m", "seed=0,1,2", "model.latent_dim=5,6"], {
            "seed": "command line: seed=0,1,2", "model.latent_dim": "command line: model.latent_dim=5,6"
        }),
        (["-m", "tracker={log_every: 3},minimal", "checkpoint.every=2,3"], {
            "tracker": "command line: tracker={log_every: 3},minimal"
        }),
        (["-m", "seed=0,1", "checkpoint.every=-1"], {
            "seed": "command line: seed=0,1", "checkpoint.every": "command line: checkpoint.every=-1"
        }),
    ],
)  # fmt: skip
def test_a_sweep_over_a_resumed_run_is_refused_once_for_each_key(zsl_run, saved, given, told):
    done = zsl_run(f"resume={saved[0]}", *given)
    assert done.returncode == 2
    problems = re.findall(r"^  \d+\. (\S+)  \((.*)\)$", done.stderr, re.MULTILINE)
    assert problems == list(told.items())


def test_a_sweep_of_changes_that_do_no_harm_is_none_that_is_refused(zsl_run, saved):
    done = zsl_run(f"resume={saved[0]}", "-m", "checkpoint.every=2,3", "tracker={log_every: 3}", "task=check")
    assert done.returncode == 0, done.stderr
    assert "no problem found in 2 runs" in done.stdout


@pytest.mark.parametrize("given", [["seed=4"], ["sweep=seeds"], ["-m", "seed=0,1"], ["model={latent_dim: 3}"]])
def test_the_command_for_a_new_run_that_a_refusal_names_is_one(zsl_run, saved, given):
    told = zsl_run(f"resume={saved[0]}", *given).stderr
    (command,) = (line for line in told.splitlines() if line.strip().startswith("zsl-run --config-path"))
    done = zsl_run(*shlex.split(command)[1:], "task=check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("given", ["trainer=seen_only", "tracker=minimal", "experiment=sgal/cub", "~name"])
def test_no_such_command_is_named_where_a_saved_configuration_does_not_take_the_change(problems, saved, given):
    ((message, _),) = (found for key, found in problems(f"resume={saved[0]}", given).items() if key != "outputs")
    assert "--config-path" not in message
    assert f"begin with the command that is in {saved[0]}/result.json" in message


def test_resume_checks_what_it_allows(problems, saved):
    found = problems(f"resume={saved[0]}", "runtime.device=cuda", "tracker.log_every=0", "checkpoint.evry=3")
    assert "no CUDA device" in found["runtime.device"][0]
    assert "expected 1 <= value" in found["tracker.log_every"][0]
    assert "did you mean checkpoint.every?" in found["checkpoint.evry"][0]


def test_resume_of_what_is_no_run(problems, tmp_path):
    assert "no such run directory" in problems(f"resume={tmp_path}/nothing")["resume"][0]
    assert "expected a run directory" in problems(f"resume={tmp_path}")["resume"][0]
    assert "existing=keep continues the unfinished run" in problems("resume=auto")["resume"][0]
    assert problems(f"resume={'x' * 300}")["resume"][0].endswith("x: cannot be read: file name too long")


def test_resume_of_a_damaged_configuration(problems, saved):
    directory, _ = saved
    (directory / "config.yaml").write_text("model: [1\n")
    assert "cannot be read" in problems(f"resume={directory}")["resume"][0]

"""What a whole run leaves, and what it must not have looked at."""

import json
import math

import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from tests.recipes.conftest import QUICK
from tests.results import recorded

SMALL = [*QUICK, "trainer.pretrain_steps=20", "trainer.em.iterations=10", "trainer.em.rollback_every=null"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, launch):
    folder = tmp_path_factory.mktemp("finished")
    options = ["tracker.figures=true", "tracker.projector=true", "evaluator.calibration=val", "name=run", "seed=3"]
    process, log = launch(folder, *SMALL, *options)
    process.join()
    assert process.exitcode == 0, log
    return folder / "outputs/sgal/toy/run+seed-3"


def test_the_directory_holds_what_the_design_promises(finished):
    names = {path.name for path in finished.iterdir()}
    assert {"config.yaml", "result.json", "metrics.csv", "checkpoints", "figures"} <= names
    assert "error.txt" not in names
    assert {path.name for path in (finished / "figures").iterdir()} == {
        "confusion.png",
        "generated_features.png",
        "latent_space.png",
        "learning_curves.png",
        "unseen_against_seen.png",
    }
    assert {path.name for path in finished.parents[2].iterdir()} == {"sgal", ".lock"}


def test_a_projector_that_has_nothing_to_show_is_told(tmp_path, launch, finished):
    process, log = launch(tmp_path, "model=eszsl", "dataset=toy", "tracker.figures=false", "tracker.projector=true")
    process.join()
    assert process.exitcode == 0, log
    (written,) = tmp_path.glob("outputs/eszsl/toy/*/")
    reason = "evaluator zsl has no points of model eszsl for it"
    assert recorded(written)["warnings"] == [f"tracker.projector has no effect: {reason}"]
    assert recorded(finished)["warnings"] == []


def test_the_result_says_what_was_run_on_what_and_what_came_out(finished):
    found = recorded(finished)
    assert (found["status"], found["model"], found["dataset"], found["trainer"], found["seed"]) == (
        "complete",
        "sgal",
        "toy",
        "em",
        3,
    )
    assert {"test/T1", "test/U", "test/S", "test/H", "test/AUSUC", "test/H_cal"} <= found["metrics"].keys()
    assert {"val/T1", "val/U", "val/S", "val/H"} <= found["validation"].keys()
    u, s = found["metrics"]["test/U"], found["metrics"]["test/S"]
    assert found["metrics"]["test/H"] == pytest.approx(2 * u * s / (u + s) if u + s else 0.0)
    assert not any(tag.startswith("oracle/") for tag in found["metrics"])
    assert found["data"]["kind"] == "generated"
    assert (found["data"]["feature_scaling"], found["data"]["semantic_scaling"]) == ("center_l2", "center")
    assert found["data"]["radius"] == 8.0
    assert found["setting"] == {"kind": "inductive", "class_prior": "uniform"}
    assert found["cost"]["wall_seconds"] > 0
    assert found["cost"]["peak_memory_mb"] > 50
    assert found["cost"]["gradient_steps"]["final"] >= 30
    assert math.isfinite(found["selection"]["calibration_offset"])
    assert found["versions"].keys() >= {"torch", "python", "device", "zsl-run"}


def test_the_events_hold_curves_hyperparameters_text_figures_and_points(finished):
    events = EventAccumulator(str(finished), size_guidance={"images": 0}).Reload()
    tags = events.Tags()
    expected = {"tune/seen/loss", "tune/em/kl", "train/seen/loss", "train/em/reconstruction", "val/H"}
    assert expected <= set(tags["scalars"])
    assert not [tag for tag in tags["scalars"] if tag.startswith("test/")]  # one value each is no chart
    content = events.PluginTagToContent(metadata.PLUGIN_NAME)[metadata.SESSION_START_INFO_TAG]
    columns = metadata.parse_session_start_info_plugin_data(content).hparams
    measured = {name: columns[name].number_value for name in ("H (val)", "H (test)", "test/U")}
    found = recorded(finished)
    assert measured == {
        "H (val)": found["validation"]["val/H"],
        "H (test)": found["metrics"]["test/H"],
        "test/U": found["metrics"]["test/U"],
    }
    assert sorted(columns)[:2] == ["H (test)", "H (val)"]
    assert {"zsl figures/confusion", "zsl figures/latent_space"} <= set(tags["images"])
    assert any("config" in tag for tag in tags["tensors"])
    assert list(finished.glob("**/tensors.tsv"))


def test_another_run_of_the_same_seed_gives_the_same_numbers_and_another_directory(finished, zsl_run, tmp_path):
    options = [*SMALL, "evaluator.calibration=val", "seed=3"]
    zsl_run(*options)
    zsl_run(*options)
    first, second = sorted((tmp_path / "outputs/sgal/toy").iterdir())
    assert second.name == first.name + ".2"
    assert recorded(first)["metrics"] == recorded(second)["metrics"] == recorded(finished)["metrics"]
    assert recorded(first)["config_hash"] == recorded(finished)["config_hash"]


def test_a_saved_configuration_replays_to_the_same_numbers(finished, zsl_run, tmp_path):
    zsl_run("--config-path", str(finished), "--config-name", "config", "name=again", "tracker.figures=false")
    assert recorded(tmp_path / "outputs/sgal/toy/again")["metrics"] == recorded(finished)["metrics"]


def test_zsl_eval_scores_the_final_checkpoint_to_the_reported_metrics(finished, zsl_run):
    for repeat in ("", ".2"):
        done = zsl_run(str(finished), "--json", module="zsl_runner.evaluate.cli")
        scores = json.loads(done.stdout)
        assert scores["metrics"] == recorded(finished)["metrics"]
        assert scores["complete"] is True
        assert (finished / "evaluations" / f"step-000000060{repeat}.json").is_file()
    done = zsl_run(str(finished), "--batch-size", "7", module="zsl_runner.evaluate.cli")
    assert f"test/H       {recorded(finished)['metrics']['test/H']:6.2f} %" in done.stdout


def test_zsl_eval_of_no_run_is_one_clear_error(tmp_path, zsl_run):
    done = zsl_run(str(tmp_path / "nothing"), code=2, module="zsl_runner.evaluate.cli")
    assert "no such run directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_oracle_metrics_change_nothing_but_themselves(finished, zsl_run, tmp_path):
    zsl_run(*SMALL, "evaluator.calibration=val", "seed=3", "evaluator.oracle=true", "evaluator.every=10", "name=oracle")
    found = recorded(tmp_path / "outputs/sgal/toy/oracle+seed-3")
    honest = recorded(finished)["metrics"]
    assert {tag: value for tag, value in found["metrics"].items() if tag.startswith("test/")} == honest
    assert found["metrics"]["oracle/best_H"] >= found["metrics"]["test/H"]
    assert found["metrics"]["oracle/H_cal"] >= max(found["metrics"]["test/H"], found["metrics"]["test/H_cal"]) - 1e-9
    csv = (tmp_path / "outputs/sgal/toy/oracle+seed-3/metrics.csv").read_text()
    assert "oracle/H," in csv


def test_the_validation_length_is_what_the_final_stage_trains(zsl_run, tmp_path):
    zsl_run(*SMALL, "evaluator.select=val", "evaluator.every=5", "name=selected")
    found = recorded(tmp_path / "outputs/sgal/toy/selected")
    lengths = found["selection"]
    assert lengths["stage_lengths"]["final"] == lengths["best_validation_length"] <= 30
    curve = (tmp_path / "outputs/sgal/toy/selected/metrics.csv").read_text().splitlines()
    values = [float(line.rsplit(",", 1)[1]) for line in curve if ",val/H," in line]
    assert found["validation"]["val/H"] == max(values)


def test_early_stopping_and_rollback_act_on_validation_only(zsl_run, tmp_path):
    zsl_run(
        *SMALL,
        "evaluator.every=2",
        "evaluator.patience=2",
        "evaluator.select=val",
        "trainer.optim.lr=0",
        "name=patient",
    )
    found = recorded(tmp_path / "outputs/sgal/toy/patient")
    assert found["selection"]["stage_lengths"]["tune"] < 30


def test_a_failed_run_leaves_its_error_and_no_traceback_on_the_screen(zsl_run, tmp_path):
    done = zsl_run(*SMALL, "trainer.optim.lr=1e30", "name=broken", code=1)
    directory = tmp_path / "outputs/sgal/toy/broken"
    found = recorded(directory)
    assert found["status"] == "failed"
    assert found["error"]["type"] == "NonFiniteError"
    assert "Traceback" in (directory / "error.txt").read_text()
    assert "Traceback" not in done.stderr
    assert "learning rate" in done.stderr
    assert list(directory.glob("nonfinite-step-*.pt"))


@pytest.mark.parametrize(
    "options",
    [
        ["model=eszsl"],
        pytest.param(["model=ridge_prototype"], marks=pytest.mark.slow),
        pytest.param(["model=vzsl", "trainer.steps=20"], marks=pytest.mark.slow),
        ["model=vzsl", "trainer=transductive", "trainer.warmup_steps=10", "trainer.steps=10"],
        ["model=vzsl", "trainer=em", "trainer.pretrain_steps=10", "trainer.em.iterations=5"],
        ["model=sgal", "trainer=seen_only", "trainer.steps=10", "trainer.matched.em_iterations=10"],
        pytest.param(
            [
                "model=sgal_released",
                "trainer.pretrain_steps=10",
                "trainer.em.iterations=5",
                "model.prior.const_log_var=null",
            ],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_every_method_runs_from_the_command_line(zsl_run, tmp_path, options):
    zsl_run("dataset=toy", *options, "tracker.figures=false", "tracker.progress=none", "name=run")
    (directory,) = (tmp_path / "outputs").glob("*/toy/run")
    found = recorded(directory)
    assert found["status"] == "complete"
    assert 0 <= found["metrics"]["test/T1"] <= 100
    config = yaml.safe_load((directory / "config.yaml").read_text())
    expected = "transductive" if config["trainer"]["kind"] == "transductive" else "inductive"
    assert found["setting"]["kind"] == expected

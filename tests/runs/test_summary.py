import builtins
import io
import math
from types import MappingProxyType

from tests.results import make_result
from zsl_runner.runs.result import Result
from zsl_runner.runs.summary import summary_table


def make(**changes):
    values = {
        "metrics": {"test/T1": 61.26, "test/U": 40.0, "test/S": 80.0, "test/H": 53.33, "oracle/H_cal": 55.5},
        "validation": {"val/T1": 70.0, "val/H": 60.04},
        "selection": {"mode": "val", "metric": "val/H", "stage_lengths": {"tune": 100, "final": 80}},
        "setting": {"kind": "inductive", "class_prior": "uniform"},
        "data": {"kind": "embedded", "feature_kind": "8x8 [pixels]", "semantics": "strokes", "split_version": "own"},
        "cost": {"wall_seconds": 75.0, "peak_memory_mb": 300.0},
    }
    return make_result(**(values | changes))


def row(text, label):
    return next(line.split() for line in text.splitlines() if line.strip().startswith(label))


def test_metrics_conditions_and_places(tmp_path):
    run = tmp_path / "out puts" / "sgal" / "digits" / "em+seed-3"
    (run / "figures").mkdir(parents=True)
    (run / "figures" / "confusion.png").touch()
    (run / "events.out.tfevents.1.host.2.0").touch()
    text = summary_table(make(), run)
    assert text.splitlines()[0] == "sgal on digits, trainer em, seed 3: complete"
    assert row(text, "per cent") == ["per", "cent", "T1", "U", "S", "H"]
    assert row(text, "test") == ["test", "61.3", "40.0", "80.0", "53.3"]
    assert row(text, "validation") == ["validation", "70.0", "60.0"]
    assert "oracle       H_cal 55.5 (looked at test labels; not a result)" in text
    assert "8x8 [pixels]  [embedded]" in text
    assert "inductive, unseen class prior uniform" in text
    assert "val on val/H; steps tune 100, final 80\n" in text
    assert "cost         1:15, peak memory 300 MB\n" in text
    cost = {"wall_seconds": 75.0, "peak_memory_mb": 300.0, "device_memory_mb": 512.4}
    assert "cost         1:15, peak memory 300 MB, on the GPU 512 MB\n" in summary_table(make(cost=cost), run)
    assert "confusion.png" in text
    assert f"TensorBoard  tensorboard --logdir '{tmp_path / 'out puts'}'" in text


def test_calibrated_metrics_stand_beside_their_offset(tmp_path):
    selection = {"mode": "last", "metric": "val/H", "stage_lengths": {"tune": 5}, "calibration_offset": 10.03214}
    text = summary_table(make(selection=selection), tmp_path / "a" / "b" / "c")
    assert "selection    last on val/H; steps tune 5; offset of seen classes 10.03\n" in text


def test_what_training_saw_too_much_for_is_a_table_of_bounds(tmp_path):
    metrics = {"oracle/mIoU": 70.04, "oracle/mIoU_true_tags": 81.2}
    text = summary_table(make(metrics=metrics, validation={"val/mIoU": 69.0}), tmp_path / "a" / "b" / "c")
    assert row(text, "per cent") == ["per", "cent", "mIoU"]
    assert row(text, "oracle") == ["oracle", "70.0"]
    assert row(text, "validation") == ["validation", "69.0"]
    assert "oracle       mIoU_true_tags 81.2 (looked at test labels; not a result)" in text
    assert "test " not in text.replace("looked at test labels", "")


def test_an_undefined_metric_is_a_dash(tmp_path):
    metrics = {"test/tag_accuracy": 90.0, "test/mIoU_plain": math.nan}
    text = summary_table(make(metrics=metrics, validation={}), tmp_path / "a" / "b" / "c")
    assert row(text, "test") == ["test", "90.0", "-"]


def test_a_failed_run_shows_its_error(tmp_path):
    failed = make(status="failed", metrics={}, validation={}, error={"type": "DataError", "message": "x.mat [bad]"})
    text = summary_table(failed, tmp_path / "a" / "b" / "c")
    assert "seed 3: failed" in text
    assert "DataError: x.mat [bad]" in text
    assert "per cent" not in text
    assert "TensorBoard" not in text  # it wrote no events


def test_words_of_others_are_neither_broken_nor_read_as_markup(tmp_path):
    place = "/data/" + "a long folder/" * 12 + "x.mat"
    failed = make(status="failed", model="sgal[bold]", metrics={}, error={"type": "DataError", "message": place})
    lines = summary_table(failed, tmp_path).splitlines()
    assert lines[0] == "sgal[bold] on digits, trainer em, seed 3: failed"
    assert lines[1] == f"DataError: {place}"


class ZMQInteractiveShell:
    config = MappingProxyType({"IPKernelApp": {}})


def test_a_notebook_is_given_the_same_text(tmp_path, monkeypatch):
    text = summary_table(make(), tmp_path)
    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as its kernel sets it, and CI
    assert summary_table(make(), tmp_path) == text
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_what_an_oracle_saw_beside_results_is_in_no_table(tmp_path):
    text = summary_table(make(validation={"val/H": 60.04, "val/H_cal": 58.0}), tmp_path / "a" / "b" / "c")
    assert row(text, "oracle")[:3] == ["oracle", "H_cal", "55.5"]
    assert row(text, "validation") == ["validation", "60.0", "58.0"]


def test_columns_are_aligned_where_the_encoding_lacks_a_sign(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    metrics = {"test/accuracy": 91.26, "test/accuracy_se": 0.5, "test/mIoU": 80.0}
    lines = summary_table(make(metrics=metrics, validation={}), tmp_path).splitlines()
    head = next(line for line in lines if "per cent" in line)
    assert head.split() == ["per", "cent,", "+-", "standard", "error", "accuracy", "mIoU"]
    assert next(line for line in lines if line.startswith(" test")).index("80.0") == head.index("mIoU")


def test_a_record_with_nothing_but_its_identity_is_shown(tmp_path):
    bare = Result("running", "sgal", "digits", "em", 0, "ab")
    assert "sgal on digits, trainer em, seed 0: running" in summary_table(bare, tmp_path)


NATS = {"unit": "nats", "lower_is_better": True, "digits": 2}


def test_metrics_of_other_units_stand_in_tables_of_their_own(tmp_path):
    likelihood = make(
        metrics={
            "test/NCLL": 63.914,
            "test/NCLL_se": 0.238,
            "test/NCLL_ELBO": 68.39,
            "test/accuracy": 91.26,
            "oracle/best_NCLL": 63.5,
            "oracle/best_NCLL_se": 0.2,
        },
        validation={"val/NCLL": 64.05, "val/NCLL_se": 0.25, "val/accuracy": 90.0},
        quantities={"NCLL": NATS, "NCLL_ELBO": NATS},
        selection={"mode": "val", "metric": "val/NCLL", "stage_lengths": {"fit": 100}},
        setting={"kind": "supervised"},
        data={"kind": "real", "feature_kind": "28 x 28 grey", "semantics": "", "split_version": "own"},
    )
    text = summary_table(likelihood, tmp_path / "a" / "b" / "c")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    nats, per_cent = (lines.index(head) for head in ("nats, ± standard error NCLL NCLL_ELBO", "per cent accuracy"))
    assert lines[nats + 2 : nats + 4] == ["test 63.91 ± 0.24 68.39", "validation 64.05 ± 0.25"]
    assert lines[per_cent + 2 : per_cent + 4] == ["test 91.3", "validation 90.0"]
    assert "oracle best_NCLL 63.50 (looked at test labels; not a result)" in lines
    assert "selection val on val/NCLL; steps fit 100" in lines
    assert "setting supervised" in lines
    assert "data 28 x 28 grey" in lines
    assert "split own" in lines
    assert "prior" not in text
    assert "classes" not in text


def test_label_maps_are_outputs_and_no_classes(tmp_path):
    data = {"kind": "real", "feature_kind": "RGB", "semantics": "2 classes", "split_version": "own"}
    text = summary_table(make(setting={"kind": "supervised"}, data=data), tmp_path / "a" / "b" / "c")
    assert "outputs      2 classes; split own" in text


def test_a_narrow_terminal_gets_a_line_for_each_metric(tmp_path, monkeypatch):
    metrics = {f"test/{name}": 50.0 for name in ("T1", "U", "S", "H", "AUSUC", "U_cal", "S_cal", "H_cal")}
    monkeypatch.setenv("COLUMNS", "50")
    text = summary_table(make(metrics=metrics, validation={}), tmp_path)
    assert row(text, "per cent") == ["per", "cent", "test"]
    assert row(text, "U_cal") == ["U_cal", "50.0"]


LONG = (
    "accuracy",
    "pixel_accuracy",
    "hidden_accuracy",
    "hidden_accuracy_refined",
    "IoU_of_the_foreground",
    "IoU_refined",
)


def test_long_names_are_never_cut(tmp_path):
    metrics = {f"test/{name}": 80.0 + place for place, name in enumerate(LONG)}
    validation = {tag.replace("test/", "val/"): value - 1 for tag, value in metrics.items()} | {"val/only": 5.0}
    text = summary_table(make(metrics=metrics, validation=validation), tmp_path / "a" / "b" / "c")
    assert "…" not in text
    assert row(text, "per cent") == ["per", "cent", "test", "validation"]
    for place, name in enumerate(LONG):
        assert row(text, f"{name} ") == [name, f"{80 + place}.0", f"{79 + place}.0"]
    assert row(text, "only ") == ["only", "5.0"]
    few = summary_table(make(metrics=dict(list(metrics.items())[:4]), validation={}), tmp_path / "a" / "b" / "c")
    assert row(few, "test") == ["test", "80.0", "81.0", "82.0", "83.0"]


def test_a_debug_run_says_so(tmp_path):
    text = summary_table(make(debug={"steps": 2, "anomaly": True}), tmp_path / "a" / "b" / "c")
    assert "debug        steps 2, anomaly True: comparable with nothing, in no table" in text
    assert "comparable with nothing" not in summary_table(make(), tmp_path / "a" / "b" / "c")

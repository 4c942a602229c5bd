import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from zsl_runner.tracking import progress
from zsl_runner.tracking.bar import Bar, Recent
from zsl_runner.tracking.progress import Lines, Silence, display


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_lines_show_rate_remaining_time_and_values():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    lines.begin_phase("tune", "pretrain", 400, 0)
    for _ in range(100):
        clock.now += 0.125
        lines.advance()
        lines.scalars({"kl": 0.5, "val/H": 12.34})
    lines.close()
    shown = stream.getvalue().splitlines()
    assert shown[0] == "tune/pretrain: 400 steps"
    assert shown[1].startswith("tune/pretrain: 40/400 10%  8 steps/s  ETA 0:45  kl 0.5  val/H 12.3")
    assert shown[2].startswith("tune/pretrain: 80/400 20%  8 steps/s  ETA 0:40")
    assert shown[3].startswith("tune/pretrain: 100/400 25%  8 steps/s  ETA 0:38")
    assert len(shown) == 4


def test_a_line_that_is_due_says_what_is_measured():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    lines.begin_phase("final", "em", 2, 0)
    clock.now += 8
    lines.measure("val")  # the first step is not counted before it is measured
    lines.scalars({"kl": 0.5, "val/H": 3.0})
    lines.advance()
    clock.now += 8
    lines.advance()
    lines.measure("test")
    clock.now += 50
    lines.scalars({"test/H": 4.0})
    lines.close()
    assert stream.getvalue().splitlines() == [
        "final/em: 2 steps",
        "final/em: 0/2 0%  measuring val rows",
        "final/em: 2/2 100%  0.125 steps/s  took 0:16  kl 0.5  val/H 3.0",
    ]


def test_the_bar_says_what_is_measured_while_it_stands_still():
    shown = []
    for found in ({}, {"test/H": 4.0}):
        stream = io.StringIO()
        bar = Bar(Console(file=stream, force_terminal=True, width=140, color_system=None), Clock())
        bar.begin_phase("final", "em", 1, 0)
        bar.advance()
        bar.measure("test")
        if found:
            bar.scalars(found)
        bar.close()
        shown.append([line for line in stream.getvalue().splitlines() if "1/1" in line][-1])
    assert "measuring test rows" in shown[0]
    assert "measuring" not in shown[1]
    assert "test/H 4.0" in shown[1]


def test_the_log_of_a_long_phase_stays_short():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    lines.begin_phase("final", "em", 36000, 0)
    told = []
    for _ in range(36000):  # ten hours
        clock.now += 1
        lines.advance()
        told.append(stream.tell())
    lines.close()
    assert len(stream.getvalue().splitlines()) < 750
    assert all(after > before for before, after in zip(told, told[61:], strict=False))  # no minute without a word


def test_the_first_metric_stands_for_accuracies_where_there_are_none():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    lines.begin_phase("fit", "cvae", 1, 0)
    clock.now += 1
    lines.advance()
    lines.scalars({"kl": 0.5, "val/NCLL": 63.9142, "val/NCLL_ELBO": 68.0})
    lines.close()
    assert stream.getvalue().splitlines()[1] == "fit/cvae: 1/1 100%  1 steps/s  took 0:01  kl 0.5  val/NCLL 63.91"


def test_a_resumed_phase_counts_from_where_it_was_and_rates_only_its_own_steps():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    lines.begin_phase("final", "learn", 1000, 900)
    for _ in range(100):
        clock.now += 0.01
        lines.advance()
    lines.close()
    assert stream.getvalue().splitlines() == [
        "final/learn: 1000 steps, 900 done before",
        "final/learn: 1000/1000 100%  100 steps/s  took 0:01",
    ]


def test_each_phase_ends_with_a_line_about_itself_alone():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    lines.begin_phase("tune", "pretrain", 1, 0)
    clock.now += 1
    lines.advance()
    lines.scalars({"margin": 1.0, "val/H": 3.0})
    lines.begin_phase("tune", "learn", 1, 0)
    clock.now += 1
    lines.advance()
    clock.now += 50
    lines.begin_phase("final", "pretrain", 1, 0)
    clock.now += 1
    lines.advance()
    clock.now += 50
    lines.close()
    lines.close()
    shown = stream.getvalue().splitlines()
    assert shown[5] == "final/pretrain: 1/1 100%  1 steps/s  took 0:01"
    assert shown[1] == "tune/pretrain: 1/1 100%  1 steps/s  took 0:01  margin 1  val/H 3.0"
    assert shown[3] == "tune/learn: 1/1 100%  1 steps/s  took 0:01  val/H 3.0"


def test_the_bar_shows_phase_count_and_values():
    stream = io.StringIO()
    clock = Clock()
    bar = Bar(Console(file=stream, force_terminal=True, width=140, color_system=None), clock)
    bar.begin_phase("tune", "pretrain", 30, 10)
    for _ in range(20):
        clock.now += 0.1
        bar.advance()
    bar.scalars({"kl": 0.25})
    bar.close()
    last = [line for line in stream.getvalue().splitlines() if "30/30" in line][-1]
    assert "tune/pretrain" in last
    assert "10 steps/s" in last
    assert "kl 0.25" in last


@pytest.mark.parametrize("phase", ["pretrain", "em", "settled_prior"])
@pytest.mark.parametrize("width", [72, 80, 100, 140])
@pytest.mark.parametrize("steps", [300, 40000])
def test_on_a_narrow_terminal_only_terms_of_the_loss_give_way(phase, width, steps):
    stream, clock = io.StringIO(), Clock()
    bar = Bar(Console(file=stream, force_terminal=True, width=width, color_system=None), clock)
    bar.begin_phase("final", phase, steps, 0)
    bar.scalars({"reconstruction": 1234.5, "divergence": 0.25, "margin": 3.0, "val/H": 12.34})
    for _ in range(steps // 2):
        clock.now += 0.01
        bar.advance()
    bar.close()
    line = [line for line in stream.getvalue().splitlines() if f"{steps // 2}/{steps}" in line][-1]
    line = line.removeprefix("\x1b[2K").rstrip()
    assert len(line) <= width
    for shown in (f"final/{phase}", "\u2501", " 50%", "100 steps/s", "0:0"):
        assert shown in line
    assert "val/H 12.3" in line
    assert "reconstruction 1234" in line or width < 140
    assert "…" not in line


@pytest.mark.parametrize("width", [*range(12, 72, 3)])
def test_a_terminal_too_narrow_for_all_lacks_columns_and_cuts_none(width):
    stream, clock = io.StringIO(), Clock()
    bar = Bar(Console(file=stream, force_terminal=True, width=width, color_system=None), clock)
    bar.begin_phase("final", "settled_prior", 40000, 0)
    bar.scalars({"reconstruction": 1234.5, "val/H": 12.34})
    for _ in range(20000):
        clock.now += 0.01
        bar.advance()
    bar.close()
    line = [line for line in stream.getvalue().splitlines() if "20000/" in line][-1].rpartition("\x1b[2K")[2].rstrip()
    assert len(line) <= width
    whole = {"final/settled_prior", "20000/40000", "50%", "100", "steps/s", "val/H", "12.3"}
    assert "20000/40000" in line
    assert {word for word in line.split() if "\u2501" not in word and not word.startswith(("0:0", "-:-"))} <= whole


def test_only_the_line_of_the_phase_that_runs_is_drawn_again():
    stream, clock = io.StringIO(), Clock()
    bar = Bar(Console(file=stream, force_terminal=True, width=100, height=5, color_system=None), clock)
    for task in range(12):
        bar.begin_phase("final", f"task_{task}", 10, 0)
        for _ in range(10):
            clock.now += 1
            bar.advance()
    bar.close()
    shown = stream.getvalue()
    assert "\x1b[1A" not in shown  # up, to a line above
    last = [line.rpartition("\x1b[2K")[2].split() for line in shown.splitlines() if "10/10" in line]
    assert [words[0] for words in last] == [f"final/task_{task}" for task in range(12)]


def test_words_for_a_file_stay_out_of_the_terminal(monkeypatch):
    terminal, file = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", file)
    bar = Bar(Console(file=terminal, force_terminal=True, width=100, color_system=None), Clock())
    bar.begin_phase("final", "em", 10, 0)
    print("printed by a model")
    bar.close()
    assert file.getvalue() == "printed by a model\n"
    assert "printed" not in terminal.getvalue()


def test_a_finished_phase_keeps_its_own_values():
    stream, clock = io.StringIO(), Clock()
    bar = Bar(Console(file=stream, force_terminal=True, width=140, color_system=None), clock)
    for phase, value in (("pretrain", 1.0), ("learn", 2.0)):
        bar.begin_phase("tune", phase, 1, 0)
        clock.now += 1
        bar.advance()
        bar.scalars({"val/T1": value})
    bar.close()
    last = [line for line in stream.getvalue().splitlines() if "1/1" in line][-2:]
    assert ["val/T1 1.0" in last[0], "val/T1 2.0" in last[1]] == [True, True]


@given(
    width=st.integers(0, 200),
    values=st.dictionaries(st.sampled_from(["kl", "margin", "val/H", "val/U"]), st.floats()),
)
def test_values_are_whole_or_missing(width, values):
    recent = Recent()
    recent.take(values)
    shown = recent.fitting(width)
    assert len(shown) <= width
    assert set(filter(None, shown.split("  "))) <= set(str(recent).split("  "))


@pytest.mark.parametrize(("choice", "kind"), [("bar", Bar), ("lines", Lines), ("none", Silence)])
def test_explicit_choices(choice, kind):
    assert isinstance(display(choice, "run"), kind)


def test_auto_looks_at_the_terminal(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(display("auto", "run"), Lines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert isinstance(display("auto", "run"), Bar)
    for name, value in (("TERM", "dumb"), ("CI", "true")):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            assert isinstance(display("auto", "run"), Lines)


def test_auto_names_the_run_in_workers_of_a_pool(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("multiprocessing.parent_process", lambda: object())
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "SHARED_SECONDS", (0.0, 0.0))
    lines = display("auto", "sgal/cub/seed-3")
    lines.begin_phase("tune", "em", 40, 0)
    lines.advance()
    assert stream.getvalue().startswith("sgal/cub/seed-3  tune/em: 1/40 2%")


def test_lines_that_were_asked_for_name_the_run_in_workers_of_a_pool_and_are_no_fewer(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("multiprocessing.parent_process", lambda: object())
    monkeypatch.setattr(sys, "stderr", stream)
    lines = display("lines", "sgal/cub/seed-3")
    lines.begin_phase("tune", "em", 40, 0)
    lines.advance()
    lines.close()
    begun, ended = stream.getvalue().splitlines()
    assert begun == "sgal/cub/seed-3  tune/em: 40 steps"
    assert ended.startswith("sgal/cub/seed-3  tune/em: 1/40 2%")


def test_runs_that_share_a_terminal_say_now_and_then_where_they_are():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock, "sgal/cub/seed-3", few=True)
    for phase in ("pretrain", "em"):  # of 40 and 80 seconds: the first is over before anything is due
        lines.begin_phase("tune", phase, 40, 0)
        for _ in range(40):
            clock.now += 1 if phase == "pretrain" else 2
            lines.advance()
    lines.close()
    assert stream.getvalue().splitlines() == [
        "sgal/cub/seed-3  tune/em: 10/40 25%  0.5 steps/s  ETA 1:00",
        "sgal/cub/seed-3  tune/em: 40/40 100%  0.5 steps/s  took 1:20",
    ]

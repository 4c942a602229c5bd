"""Tables as wide as the terminal."""

import builtins
import io
import os
import pty
import re

import pytest

from zsl_runner.config.quoting import again
from zsl_runner.report.cli import main
from zsl_runner.report.terminal import aligned


@pytest.fixture
def filled(outputs):
    metrics = {f"test/{name}": 40.125 for name in ("T1", "U", "S", "H", "H_cal", "U_cal", "S_cal")}
    for seed in (0, 1):
        for dim in (8, 16):
            outputs.add(None, seed, config={"dim": dim}, metrics=metrics)
    outputs.add(99.0, model="odd[bold]|name")
    outputs.add(1.0, 5, status="failed", error={"type": "DataError", "message": "no [red]"})
    return outputs


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
def test_every_number_is_whole_on_every_width(filled, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = aligned(filled.report(cost=True))
    assert max(map(len, text.partition("Not in the tables")[0].splitlines())) <= columns
    words = text.split()
    for name in ("T1", "U", "S", "H", "U_cal", "S_cal", "H_cal", "n", "time"):
        assert name in words
    assert text.count("40.1 ± 0.0") == 14  # two rows of seven metrics
    assert "odd[bold]|name" in text
    assert "DataError: no [red]" in " ".join(words)
    assert "Selection: last." in " ".join(words)  # the same everywhere, and so no column
    assert "\x1b" not in text


def test_numbers_stay_below_their_names_where_the_encoding_lacks_a_sign(filled, monkeypatch):
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", file)
    monkeypatch.setenv("COLUMNS", "200")
    assert main([str(filled.folder), "--format", "text"]) == 0
    lines = file.buffer.getvalue().decode("ascii").splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("model"))
    row = next(line for line in lines if "40.1 +- 0.0" in line)
    assert lines[head + 1] == "-" * len(lines[head])
    for number in re.finditer(r"40\.1 \+- 0\.0", row):
        assert lines[head][number.end() - 1] != " "


def test_a_path_or_a_command_can_be_copied(filled, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    run = filled.add(1.0, 7, status="interrupted", model="a_model_with_a_long_name_in_a_folder_with_a_long_name")
    (note,) = (line for line in aligned(filled.report()).splitlines() if "interrupted" in line)
    assert note.endswith(again(run))


def test_a_notebook_is_given_the_same_text(filled, monkeypatch):
    text = aligned(filled.report())
    monkeypatch.setattr(builtins, "get_ipython", type("ZMQInteractiveShell", (), {}), raising=False)
    assert aligned(filled.report()) == text


def test_a_terminal_gets_the_aligned_form_and_a_pipe_markdown(filled, monkeypatch, capfd):
    arguments = [str(filled.folder)]
    assert main(arguments) == 0
    piped = capfd.readouterr().out
    assert "| model |" in piped
    assert main([*arguments, "--format", "text"]) == 0
    assert "| model |" not in capfd.readouterr().out
    leader, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        assert main(arguments) == 0
        stream.flush()
    shown = os.read(leader, 1 << 16).decode()
    os.close(leader)
    assert "| model |" not in shown
    assert re.search("\x1b\\[1m *40.1 ± 0.0|\x1b\\[1m *99.0", shown)  # the best mean is bold

"""Streams that never raise into the work."""

import io
import logging
import os
import subprocess
import sys

import pytest

from zsl_runner.console.terminal import Messages, Tolerant, filled, require_printed, tolerant
from zsl_runner.tracking.bar import Bar


class Failing(io.TextIOBase):
    def __init__(self, error):
        self.error = error

    def write(self, *_text):
        raise self.error

    flush = isatty = write


@pytest.mark.parametrize(
    "error",
    [
        BrokenPipeError(32, "Broken pipe"),
        OSError(28, "No space left on device"),
        ValueError("I/O operation on closed file"),
    ],
)
def test_a_failure_is_noted_and_not_raised(error):
    stream = Tolerant(Failing(error))
    assert stream.write("words") == 5
    stream.flush()
    assert not stream.isatty()
    assert stream.lost is error


def test_what_a_slow_reader_cannot_take_is_noted_and_what_follows_arrives():
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    with open(reader, "rb", buffering=0) as found, open(writer, "w") as pipe:
        stream = Tolerant(pipe)
        for _ in range(64):
            stream.write("x" * 2**14 + "\n")
        assert isinstance(stream.lost, BlockingIOError)
        while found.read(2**16):  # None of an empty pipe
            stream.flush()
        stream.write("more\n")
        assert found.read(2**16) == b"more\n"


def test_a_stream_that_was_closed_before_the_start_takes_everything():
    stream = Tolerant(None)
    print("words", file=stream, flush=True)
    assert stream.lost is None
    assert not stream.isatty()


def test_what_an_encoding_cannot_express_is_written_with_backslashes():
    buffer = io.BytesIO()
    stream = Tolerant(io.TextIOWrapper(buffer, encoding="ascii"))
    print("Ž \udcff", file=stream, flush=True)
    assert buffer.getvalue() == b"\\u017d \\udcff\n"
    assert stream.lost is None


def test_what_is_printed_into_a_file_is_there_at_once_and_in_one_piece():
    pieces = []

    class File(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            pieces.append(bytes(data))
            return len(data)

    stream = Tolerant(io.TextIOWrapper(io.BufferedWriter(File()), encoding="utf-8"))
    print("first\nsecond", file=stream)
    assert pieces == [b"first\nsecond\n"]


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "45.2 +- 0.3 -- a..."), ("latin-1", "45.2 ± 0.3 -- a..."), ("utf-8", "45.2 ± 0.3 ── a…")],
)
def test_signs_of_our_own_have_substitutes(encoding, shown):
    buffer = io.BytesIO()
    stream = Tolerant(io.TextIOWrapper(buffer, encoding=encoding))
    print("45.2 ± 0.3 ── a…", file=stream, flush=True)
    assert buffer.getvalue().decode(encoding) == f"{shown}\n"


def test_a_message_stands_whole_above_a_bar(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    record = logging.makeLogRecord({"msg": f"{'/a/long/folder' * 9}: skipped", "levelno": logging.WARNING})
    bar = Bar()
    bar.begin_phase("tune", "em", 10, 0)
    Messages().handle(record)
    bar.close()
    before, told, after = terminal.getvalue().partition(record.msg)
    assert told
    assert before.endswith("\r\x1b[2K")  # the bar was taken away
    assert after.startswith("\n")
    assert "tune/em" in after


def test_the_streams_are_restored(capsys):
    before = sys.stdout, sys.stderr
    with tolerant():
        outer = sys.stdout
        with tolerant():
            assert sys.stdout is outer
        print("words")
        require_printed()
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out == "words\n"


@pytest.mark.parametrize(("error", "raises"), [(OSError(28, "No space left"), True), (BrokenPipeError(), False)])
def test_a_product_that_got_lost_is_an_error_unless_the_reader_had_enough(monkeypatch, error, raises):
    monkeypatch.setattr("sys.stdout", Failing(error))
    with tolerant():
        print("product")
        if raises:
            with pytest.raises(OSError, match="No space left"):
                require_printed()
        else:
            require_printed()


def test_a_closed_descriptor_is_occupied_so_that_no_file_of_a_run_gets_its_number():
    child = os.fork()
    if child == 0:
        os.close(1)
        sys.stdout = None
        with tolerant():
            number = os.open(os.devnull, os.O_RDONLY)
            os._exit(0 if number > 2 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_processes_that_are_started_have_streams_in_place_of_closed_ones():
    program = "import sys; sys.exit(0 if sys.stderr else 1)"
    start = "import subprocess, sys; from zsl_runner.console.terminal import tolerant\nwith tolerant():\n    "
    start += f"sys.exit(subprocess.call([sys.executable, '-I', '-S', '-c', {program!r}], close_fds=False))"
    assert subprocess.call(["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, start]) == 0


def test_cells_of_a_column_are_equally_wide_on_a_terminal():
    """Two places for each Chinese character, none for the accent after the e."""
    assert filled(["cat", "大熊猫", "cafe\u0301", ""]) == ["cat   ", "大熊猫", "cafe\u0301  ", "      "]
    assert filled([]) == []

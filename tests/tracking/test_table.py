import os
from pathlib import Path

import pytest

from zsl_runner.errors import RunError
from zsl_runner.tracking.table import Row, Table, read


def write(directory, steps, resume_step=None):
    table = Table(directory, resume_step)
    for step in steps:
        table.scalars(step, {"kl": step / 3, "val/H": step * 0.1}, "tune", "pretrain")
    table.close()
    return table.path


def test_rows_carry_tags_and_every_bit_of_the_value(tmp_path):
    path = write(tmp_path, [1])
    lines = path.read_text().splitlines()
    assert lines[0] == "step,stage,phase,tag,value"
    assert lines[1] == "1,tune,pretrain,tune/pretrain/kl,0.3333333333333333"
    assert next(read(path)) == Row(1, "tune", "pretrain", "tune/pretrain/kl", 1 / 3)


def test_resuming_drops_what_comes_after_the_checkpoint(tmp_path):
    expected = write(tmp_path, range(10)).read_bytes()
    path = write(tmp_path, range(5, 10), resume_step=4)
    assert path.read_bytes() == expected


def test_starting_over_in_place_drops_everything(tmp_path):
    write(tmp_path, range(10))
    path = write(tmp_path, [0], resume_step=-1)
    assert [row.step for row in read(path)] == [0, 0]


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_torn_last_line_is_dropped_wherever_it_is_torn(tmp_path, cut):
    expected = write(tmp_path, range(4)).read_bytes()
    path = tmp_path / "metrics.csv"
    path.write_bytes(expected[:-cut])
    steps = {row.step for row in read(path)}
    assert steps <= {0, 1, 2, 3}
    assert {0, 1, 2} <= steps
    write(tmp_path, [3], resume_step=2)
    assert path.read_bytes() == expected


def test_an_empty_or_headless_file_resumes(tmp_path):
    (tmp_path / "metrics.csv").write_bytes(b"step,sta")
    path = write(tmp_path, [1], resume_step=0)
    assert path.read_text().startswith("step,stage,phase,tag,value\n1,")


def test_a_damaged_line_in_the_middle_is_reported(tmp_path):
    path = write(tmp_path, range(3))
    lines = path.read_text().splitlines(keepends=True)
    lines[2] = "garbage\n"
    path.write_text("".join(lines))
    with pytest.raises(RunError, match=r"metrics\.csv: line 3: expected step,stage,phase,tag,value, found 'garbage'"):
        Table(tmp_path, 5)


def test_a_new_run_never_takes_over_a_file(tmp_path):
    write(tmp_path, [1])
    with pytest.raises(RunError, match="exists already"):
        Table(tmp_path)


def test_rows_are_on_disk_before_the_file_is_closed(tmp_path):
    table = Table(tmp_path)
    table.scalars(1, {"kl": 2.0}, "final", "pretrain")
    assert list(read(table.path)) == [Row(1, "final", "pretrain", "train/pretrain/kl", 2.0)]
    table.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_names_the_file(tmp_path):
    table = Table(tmp_path)
    table.close()
    with (
        Path("/dev/full").open("ab", buffering=0) as table._stream,
        pytest.raises(RunError, match=r"metrics\.csv: cannot be written: No space left on device; the run stops"),
    ):
        table.scalars(1, {"kl": 2.0}, "final", "pretrain")
    table.close()

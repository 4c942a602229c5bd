"""Commands that ask for the same run in the same instant."""

from pathlib import Path

import pytest

ARGUMENTS = ("dataset=toy", "model=eszsl", "tracker=minimal")


@pytest.mark.parametrize("existing", ["keep", "retry"])
def test_one_starts_and_the_others_say_so_or_find_it_complete(tmp_path, launch, existing):
    started = [launch(tmp_path, *ARGUMENTS, f"existing={existing}") for _ in range(4)]
    told = []
    for process, log in started:
        process.join(timeout=300)
        told.append((process.exitcode, Path(f"{log}.out").read_text() + Path(f"{log}.err").read_text()))
    assert [path.name for path in tmp_path.glob("outputs/eszsl/toy/*") if path.is_dir()] == ["seed-0"]
    assert 0 in [code for code, _ in told]
    for code, text in told:
        assert "Traceback" not in text
        if code:
            assert "another process" in text
    assert sum("run  " in text for _, text in told) == 1


def test_new_runs_are_never_kept_waiting(tmp_path, launch):
    started = [launch(tmp_path, *ARGUMENTS)[0] for _ in range(3)]
    for process in started:
        process.join(timeout=300)
    assert [process.exitcode for process in started] == [0, 0, 0]
    assert len(list(tmp_path.glob("outputs/eszsl/toy/*/result.json"))) == 3

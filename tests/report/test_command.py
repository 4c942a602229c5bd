"""The command zsl-report, as a person would call it."""

import errno
import subprocess
import sys

import pytest

from zsl_runner.report.cli import main, parser


def full(_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_command(outputs, tmp_path, capsys, monkeypatch):
    outputs.add(40.0)
    assert main([str(outputs.folder), "--metric", "H", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("model,trainer,dataset,features,semantics,split")
    printed = []
    for asked in (
        ["--metric", "H,U", "--by", "model,seed"],
        ["--metric", "H", "--metric", "U", "--by", "model", "--by", "seed"],
    ):
        assert main([str(outputs.folder), *asked, "--format", "csv"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert printed[0].count("40.0") == 1
    path = tmp_path / "results.md"
    path.write_text("<!-- zsl-report:main --><!-- /zsl-report:main -->")
    assert main([str(outputs.folder), "--into", str(path), "--section", "main"]) == 0
    assert "| sgal | em |" in path.read_text()
    capsys.readouterr()
    assert main([str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err == f"zsl-report: {tmp_path / 'absent'}: no such folder of runs\n"
    assert main(["x" * 300]) == 2
    assert capsys.readouterr().err.endswith("x: cannot be read: file name too long\n")
    with pytest.raises(SystemExit, match="2"):
        main([str(outputs.folder), "--into", str(path)])
    for where in (["--into", str(tmp_path / "absent.md"), "--section", "main"], ["--where", "nonsense=1"]):
        assert main([str(outputs.folder), *where]) == 2
    monkeypatch.setattr("os.fsync", full)
    assert main([str(outputs.folder), "--into", str(path), "--section", "main"]) == 1
    assert "results.md: cannot be written: No space left on device" in capsys.readouterr().err


GIVEN = {
    "by": ["model"],
    "metric": ["H"],
    "where": ["seed=0"],
    "sort": ["H"],
    "top": ["1"],
    "unfold": [],
    "baseline": ["sgal"],
    "reference": [],
    "cost": [],
    "format": ["md"],
    "into": ["page.md", "--section", "x"],
    "plot": ["other"],
    "html": ["other"],
    "diff": [],
}
"""Every option that chooses or changes what is written, with values."""
TAKES = {
    "diff": {"format", "into"},
    "plot": {"by", "metric", "where"},
    "html": {*GIVEN} - {"format", "into", "plot", "diff"},
}
PAIRS = [(form, option) for form in TAKES for option in GIVEN if option != form]


def test_every_option_is_in_the_pairs():
    told = {action.dest for action in parser()._actions} - {"help", "folders", "section"}
    assert told == {*GIVEN}


@pytest.mark.parametrize(("form", "option"), PAIRS)
def test_options_go_with_what_is_written_or_are_refused(outputs, tmp_path, capsys, monkeypatch, form, option):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text("<!-- zsl-report:x --><!-- /zsl-report:x -->")
    runs = [str(outputs.add(40.0 + seed, seed)) for seed in range(2)]
    asked = [*runs, f"--{form}", *(["made"] if GIVEN[form] else []), f"--{option}", *GIVEN[option]]
    if option in TAKES[form]:
        assert main(asked) == 0
        assert form == "diff" or (tmp_path / "made").is_dir()
        assert ("**Metrics**" in page.read_text()) == (option == "into")
        return
    with pytest.raises(SystemExit, match="2"):
        main(asked)
    message = capsys.readouterr().err
    assert all(f"--{name}" in message.splitlines()[-1] for name in (form, option))
    assert "does not go with" in message
    assert not (tmp_path / "made").exists()
    assert "Metrics" not in page.read_text()


def test_an_empty_folder_says_so(tmp_path, capsys):
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr() == ("No complete run with these metrics.\n", "")


def test_conditions_that_no_run_meets_are_named(outputs, capsys):
    outputs.add(40.0)
    assert main([str(outputs.folder), "--where", "model=sgla", "--where", "seed<3"]) == 0
    assert capsys.readouterr().err == "zsl-report: none of 1 runs meets --where model=sgla --where seed<3\n"
    assert main([str(outputs.folder), "--where", "seed<3"]) == 0
    assert capsys.readouterr().err == ""


def test_a_thousand_runs_need_no_torch(outputs):
    for seed in range(250):
        for model in ("a", "b", "c", "d"):
            outputs.add(40.0 + seed % 7, seed, model=model)
    program = (
        "import sys; from zsl_runner.report.cli import main; code = main(sys.argv[1:]); "
        "assert not {'torch', 'matplotlib', 'tensorboard', 'sklearn'} & sys.modules.keys(); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(outputs.folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| 250 |" in done.stdout

"""The command zsl-data: its help, the names and places of data sets, and mistakes on its command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.data_command import run
from zsl_runner.config.quoting import setting
from zsl_runner.config.registry import schemas
from zsl_runner.data.command.chosen import chosen, data_sets, missing_files
from zsl_runner.data.command.cli import main
from zsl_runner.errors import ConfigError, DataError

pytestmark = pytest.mark.usefixtures("no_real_data")


def test_help_and_every_command_import_no_torch(tmp_path):
    code = (
        "import sys; from zsl_runner.data.command.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    for arguments in (
        ["--help"],
        ["extract", "--help"],
        ["class-vectors", "--help"],
        ["synthesize", str(tmp_path / "x")],
        ["describe", "xlsa17", f"root={tmp_path / 'x'}"],
    ):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (arguments, done.stderr)
        assert done.stdout


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for word in ("prepare", "verify", "describe", "synthesize", "zsl-data prepare cub --source", "Exit codes"):
        assert word in text


def test_every_yaml_composes_and_names_its_schema():
    expected = {"apy", "awa1", "awa2", "cub", "digits", "flo", "flo89", "mnist", "sun", "synthetic", "toy", "xlsa17"}
    assert expected <= set(data_sets())
    assert {"digits", "mnist", "synthetic", "toy", "xlsa17"} <= set(schemas("dataset"))
    for name in expected - {"xlsa17"}:
        conf = chosen(name, with_files=False)
        assert conf.name == name
        assert list(conf.problems()) == []
        assert bool(missing_files(conf)) == (name not in ("digits", "toy"))
    with pytest.raises(ConfigError, match=r"dataset\.root"):
        chosen("xlsa17", with_files=False)
    with pytest.raises(DataError):
        chosen("sun")


def test_data_folders_follow_the_environment(monkeypatch):
    monkeypatch.setenv("ZSL_DATA", "/somewhere")
    assert chosen("cub", with_files=False).root == "/somewhere/xlsa17/CUB"
    monkeypatch.delenv("ZSL_DATA")
    assert chosen("mnist", with_files=False).root == "data/mnist"
    assert Path(missing_files(chosen("sun", with_files=False))[0]) == Path("data/xlsa17/SUN/res101.mat")


def test_paths_with_awkward_characters(own, tmp_path, capsys):
    awkward = tmp_path / "it's {my}, = $data [1]"
    own.rename(awkward)
    assert run(capsys, "verify", "xlsa17", "--source", awkward)[0] == 0
    assert chosen("xlsa17", [setting("root", str(awkward))]).root == str(awkward)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["describe"], 2, "zsl-data: name a data set: apy, awa1"),
        (["verify"], 2, "zsl-data: name a data set: apy, awa1"),
        (["describe", "dataset=cubb"], 2, "(command line: dataset=cubb)"),
        (["describe", "toy", "--figure", "toy.pdf"], 2, "--figure: expected a file that ends in .png, found toy.pdf"),
        (["describe", "toy", "--figure", "toy"], 2, "--figure: expected a file that ends in .png, found toy"),
        (["describe", "cubb"], 2, "did you mean cub?"),
        (["describe", "cub"], 1, "CUB/res101.mat"),
        (["describe", "cub"], 1, "Proposed Splits"),
        (["describe", "cub", "semantcs=sent"], 2, "did you mean dataset.semantics?"),
        (["describe", "cub", "semantics=text"], 2, "expected one of att, original_att, sent"),
        (["describe", "xlsa17"], 2, "dataset.root"),
        (["describe", "digits", "--source", "x"], 2, "dataset.root"),
        (["describe", "toy", "noise=-1"], 2, "0 < value"),
        (["verify", "mnist"], 1, "idx files"),
        (["prepare", "--all", "--source", "x"], 2, "takes no name"),
        (["verify", "xlsa17", "--source", "x", "dataset.root=y"], 2, "root: given twice, also as x; write one of"),
        (["prepare", "xlsa17", "--cache", "x", "cache=y"], 2, "cache: given twice, also as x; write one of"),
    ],
)
def test_mistakes_are_named(capsys, arguments, code, expected):
    found, _, err = run(capsys, *arguments)
    assert found == code
    assert expected in err
    assert err.startswith("zsl-data: ") or arguments == ["describe"]


@pytest.mark.parametrize(
    "arguments", [["describe", "toy", "--figur=x", "--nois"], ["synthesize", "x", "seen=3"], ["x"]]
)
def test_unknown_arguments_stop_the_command(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_what_only_the_data_show_to_be_a_wrong_option_is_one(own, tmp_path, capsys):
    code, out, err = run(capsys, "verify", "xlsa17", "--source", own, "validation_classes=99")
    assert (code, out) == (2, "")
    assert "expected fewer than the 12 seen classes, found 99" in err
    assert run(capsys, "describe", "digits_images", "labelled=3")[0] == 2
    for place in (["--source", tmp_path / "nowhere"], [f"root={tmp_path / 'nowhere'}"]):
        assert run(capsys, "verify", "xlsa17", *place)[0] == 2
    (own / "att_splits.mat").unlink()
    assert run(capsys, "verify", "xlsa17", "--source", own)[0] == 1

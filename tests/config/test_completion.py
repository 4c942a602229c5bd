"""What shells are offered, after the lines that README tells bash users to put into ~/.bashrc, read by a real bash."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zsl_runner.runs.completion import unfinished_runs
from zsl_runner.runs.result import Result

REPOSITORY = Path(__file__).resolve().parents[2]
BASH = shutil.which("bash")
LINE = re.compile(r'`(eval "\$\(zsl-run -sc install=bash.*?\)")`')
PLAIN, FOR_PATHS_WITH_SPACES = LINE.findall((REPOSITORY / "README.md").read_text())
PROGRAM = "import sys; sys.argv[0] = 'zsl-run'; from zsl_runner.train import main; sys.exit(main())"
COMMAND = f"""#!/bin/sh
exec '{sys.executable}' -c "{PROGRAM}" "$@"
"""


@pytest.mark.skipif(BASH is None, reason="no bash on this machine")
@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("bin", PLAIN),
        pytest.param("bin", FOR_PATHS_WITH_SPACES, marks=pytest.mark.slow),
        ("my projects", FOR_PATHS_WITH_SPACES),
    ],
)
def test_bash_completes_after_the_line_of_the_readme(tmp_path, folder, line):
    command = tmp_path / folder / "zsl-run"
    command.parent.mkdir()
    command.write_text(COMMAND)
    command.chmod(0o755)
    script = f"""
PATH="{command.parent}:$PATH"
{line}
COMP_LINE="zsl-run model=vz" COMP_POINT=16 COMP_CWORD=1
hydra_bash_completion
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        [BASH, "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.stdout.splitlines() == ["model=vzsl"], done.stderr


@pytest.fixture
def offered(tmp_path, light):
    """Return what zsl-run offers behind the beginning of a command line."""

    def ask(line):
        typed = {"COMP_LINE": f"zsl-run {line}", "COMP_POINT": "99"}
        done = light.run(tmp_path, tmp_path / "log", "-sc", "query=bash", environment=typed)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return ask


def test_options_in_folders_are_offered_and_schemas_are_not(offered):
    assert offered("model=aae/") == [
        f"model=aae/{path.stem}" for path in sorted((REPOSITORY / "conf/model/aae").iterdir())
    ]
    top = offered("")
    assert {"model=", "experiment=", "seed=", "model."} <= set(top)
    assert [word for word in top if word.startswith("schema")] == []
    assert "experiment=sgal/cub" in offered("experiment=sgal/c")
    assert offered("model.latent_d") == ["model.latent_dim="]


def test_after_resume_unfinished_runs_are_offered(offered, tmp_path, monkeypatch):
    for name, status in (("a", "complete"), ("b", "running"), ("c", "failed")):
        run = tmp_path / "outputs" / "sgal" / "digits" / name
        run.mkdir(parents=True)
        (run / "config.yaml").write_text("seed: 0\n")
        Result(status, "sgal", "digits", "em", 0, "hash").save(run)
    (tmp_path / "outputs" / "sgal" / "digits" / "new").mkdir()
    (tmp_path / "outputs" / "sgal" / "digits" / "new" / "config.yaml").write_text("seed: 0\n")
    expected = [f"resume=outputs/sgal/digits/{name}" for name in ("b", "c", "new")]
    assert offered("resume=outputs/sgal/d") == expected
    monkeypatch.chdir(tmp_path)
    for typed in ("", "out", "outputs/", "outputs/sgal/d"):
        assert [f"resume={run}" for run in unfinished_runs(typed)] == expected
    for typed in ("./", "./out", "./outputs/sgal/d"):  # a shell leaves out what does not begin so
        assert unfinished_runs(typed) == [f"./{run.removeprefix('resume=')}" for run in expected]
    assert [f"resume={run}" for run in unfinished_runs("outputs/sgal/digits/n")] == expected[-1:]
    assert unfinished_runs("elsewhere/") == []


@pytest.mark.parametrize(
    ("module", "line", "expected"),
    [
        ("zsl_runner.report.cli", "zsl-report --bas", "--baseline"),
        ("zsl_runner.evaluate.cli", "zsl-eval --dev", "--device"),
        ("zsl_runner.data.command.cli", "zsl-data descr", "describe"),
    ],
)
def test_the_other_commands_complete_their_arguments(tmp_path, module, line, expected):
    answer = tmp_path / "answer"
    done = subprocess.run(
        [sys.executable, "-c", f"from {module} import main; main()"],
        env={
            "PATH": "/bin",
            "PYTHONPATH": str(REPOSITORY),
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
            "_ARGCOMPLETE_IFS": "\n",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
        },
        capture_output=True,
        text=True,
    )
    assert answer.read_text().strip().startswith(expected), done.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("zsl-run model=", "model=vzsl"),
        ("zsl-run model=vzsl model.lat", "model.latent_dim="),
        ("zsl-run trai", "trainer"),
    ],
)
def test_completion(zsl_run, line, expected):
    done = zsl_run("-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert expected in done.stdout


@pytest.mark.parametrize("arguments", [(), ("install=tcsh",), ("install=bash", "query=bash"), ("seed=1",)])
def test_completion_of_no_known_shell(main, capsys, arguments):
    assert main("-sc", *arguments) == 2
    assert capsys.readouterr().err.startswith("zsl-run: --shell-completion: expected one of install=bash, ")


def test_completion_of_no_line(main, capsys, monkeypatch):
    monkeypatch.delenv("COMP_LINE", raising=False)
    assert main("-sc", "query=bash") == 2
    assert "query=bash: shells ask so, with the line typed in COMP_LINE" in capsys.readouterr().err

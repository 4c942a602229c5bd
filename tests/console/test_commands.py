"""All commands on closed, broken, full and ASCII streams, in real processes: the work is done all the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slow import slow_if

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = {
    "zsl-run": "zsl_runner.train",
    "zsl-eval": "zsl_runner.evaluate.cli",
    "zsl-data": "zsl_runner.data.command.cli",
    "zsl-report": "zsl_runner.report.cli",
}
RUN = "zsl-run dataset=toy model=eszsl tracker=minimal"
QUESTIONS = ["--help", "--list trainer", "--explain seed", "--version", "-sc install=bash"]
PRODUCTS = ["zsl-report .", "zsl-data describe toy", "zsl-data --help"]
pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@pytest.fixture
def shell(tmp_path):
    """Run a line of bash in which the commands are those of this repository; return exit code, output and errors."""

    def run(line, **environment):
        functions = "".join(
            f"{name}() {{ {sys.executable} -c 'import sys; from {module} import main; sys.exit(main())' \"$@\"; }}\n"
            for name, module in MODULES.items()
        )
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail\n{functions}{line}"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"} | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        return done

    return run


def states(folder):
    return [json.loads(file.read_text())["status"] for file in sorted(folder.glob("outputs/*/*/*/result.json"))]


@pytest.mark.parametrize(
    ("line", "environment"),
    [
        (f"{RUN} -m seed=0,1 2>&1 | head -1", {}),
        pytest.param(f"{RUN} >&- 2>&-", {}, marks=pytest.mark.slow),
        pytest.param(f"{RUN} > /dev/full 2> /dev/full", {}, marks=pytest.mark.slow),
        pytest.param(f"{RUN} \"name='é'\"", {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, marks=pytest.mark.slow),
        pytest.param(
            f"{RUN} \"outputs='é'\"; mv é outputs",
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["broken", "closed", "full", "ascii", "ascii file names"],
)
def test_a_run_is_complete_whatever_becomes_of_its_words(shell, tmp_path, line, environment):
    done = shell(line, **environment)
    assert done.returncode == 0, done.stderr
    assert set(states(tmp_path)) == {"complete"}


@pytest.mark.parametrize("command", slow_if(PRODUCTS[1:], PRODUCTS))
def test_commands_that_print_their_product(shell, command):
    assert shell(f"{command} | head -1 > /dev/null").returncode == 0
    assert shell(f"{command} >&-").returncode == 0
    full = shell(f"{command} > /dev/full")
    assert full.returncode == 1
    assert full.stderr == f"{command.split()[0]}: standard output: No space left on device\n"


@pytest.mark.parametrize("question", slow_if(QUESTIONS[1:], QUESTIONS))
def test_answers_on_a_full_disk(shell, question):
    full = shell(f"zsl-run {question} > /dev/full")
    assert (full.returncode, full.stderr) == (1, "zsl-run: standard output: No space left on device\n")


def test_a_copy_is_made_although_its_place_cannot_be_printed(shell, tmp_path):
    assert shell("zsl-run --copy experiment sgal/cub > /dev/full").returncode == 0
    assert (tmp_path / "my_conf/experiment/sgal/my_cub.yaml").is_file()


def test_scores_are_kept_although_nobody_reads_them(shell, tmp_path):
    run = shell("zsl-run dataset=toy model=vzsl trainer.steps=2 tracker=minimal name=x", PYTHONPROFILEIMPORTTIME="1")
    assert run.returncode == 0
    # Nothing is compiled here, and importing torch's compiler takes as long as torch.
    assert ("torch.optim" in run.stderr, "torch._dynamo" in run.stderr) == (True, False)
    assert shell("zsl-eval outputs/vzsl/toy/x 2>&1 | true").returncode == 0
    assert len(list((tmp_path / "outputs/vzsl/toy/x/evaluations").iterdir())) == 1

"""A configuration that is refused, checked or only shown needs no torch and leaves nothing on disk."""

import pytest

from tests.config.stand_in import left

WITHOUT_TORCH = (
    "-c",
    "import sys, zsl_runner.train as t\n"
    "code = t.main()\n"
    "print('torch' in sys.modules, file=sys.stderr)\n"
    "sys.exit(code)",
)


def test_a_refused_configuration_exits_2_writes_nothing_and_never_imports_torch(fresh_zsl_run, tmp_path):
    done = fresh_zsl_run(
        "+model.typo=1", "trainer.optim.lr=-1", "runtime.device=cuda:99", "dataset=toyy", program=WITHOUT_TORCH
    )
    assert done.returncode == 2
    assert "zsl-run: 4 problems found" in done.stderr
    for number in range(1, 5):
        assert f"\n  {number}. " in done.stderr
    assert done.stderr.endswith("False\n")
    assert done.stdout == ""
    assert left(tmp_path / "elsewhere") == []


def test_task_check_says_what_would_run_and_writes_nothing(fresh_zsl_run, tmp_path):
    done = fresh_zsl_run("task=check", "dataset=toy", program=WITHOUT_TORCH)
    assert done.returncode == 0
    assert "dataset    toy (toy)" in done.stdout
    assert "no problem found" in done.stdout
    assert done.stderr == "False\n"
    assert left(tmp_path / "elsewhere") == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("--help",),
            ["zsl-run -m seed=0,1,2,3,4", "model       ", 'eval "$(zsl-run -sc install=bash)"', "task=check"],
        ),
        (("--cfg", "job", "model=vzsl"), ["kind: vzsl", "latent_dim:"]),
        (("--info", "defaults"), ["dataset/digits"]),
        (("-sc", "install=bash"), ["hydra_bash_completion"]),
        (("--version",), ["zsl-run "]),
    ],
)
def test_what_only_shows_something_does_without_torch(zsl_run, tmp_path, arguments, expected):
    done = zsl_run(*arguments)
    assert done.returncode == 0, done.stderr
    for text in expected:
        assert text in done.stdout
    assert "schema/" not in done.stdout or "--info" in arguments
    assert not done.torch
    assert left(tmp_path / "elsewhere") == []

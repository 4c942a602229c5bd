"""What README tells bash users to put into ~/.bashrc, read by a real bash."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
    ("folder", "line"), [("bin", PLAIN), ("bin", FOR_PATHS_WITH_SPACES), ("my projects", FOR_PATHS_WITH_SPACES)]
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

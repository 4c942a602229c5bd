"""The entry point behind ``zsl-run``. What it needs is imported once signals are heard."""

from __future__ import annotations

import sys

from zsl_runner import __version__
from zsl_runner.console import frame
from zsl_runner.console.terminal import require_printed


def main() -> int:
    """Run ``zsl-run`` on the process's arguments.

    Returns:
        Exit code: 0 success, 1 a run failed, 2 what was asked for is refused, 128 and a signal's number after a signal.
    """
    return frame.run("zsl-run", _work)


def _work() -> int:
    if "--version" in sys.argv[1:]:
        print(f"zsl-run {__version__}")
        require_printed()
        return 0
    from zsl_runner.sweeps.command import perform

    return perform(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

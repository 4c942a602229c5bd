"""Draws the completions of the same images by several finished runs on one sheet, e.g. GSNN below CVAE.

python scripts/compare_completions.py RUN [RUN ...] --out sheet.png
"""

import argparse
import sys
from pathlib import Path

from zsl_runner.errors import RunError
from zsl_runner.report.completions import side_by_side
from zsl_runner.runs.opened import open_run


def main() -> int:
    """Draw what the arguments ask for; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("run", type=Path, nargs="+", metavar="RUN", help="directory of a run")
    arguments.add_argument("--out", type=Path, required=True, metavar="PNG", help="picture to write, a new file")
    arguments.add_argument("--samples", type=int, default=3, metavar="N", help="drawn predictions of each run")
    options = arguments.parse_args()
    if options.out.exists():
        arguments.error(f"--out: {options.out} exists already; choose another name")
    try:
        figure = side_by_side([open_run(run) for run in options.run], options.samples)
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    figure.savefig(options.out, dpi=100)
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

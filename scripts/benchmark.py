"""Speed and memory of zsl-run beside references measured in the same run; the same as `make bench`."""

import sys

from zsl_runner.benchmark.command import main

if __name__ == "__main__":
    sys.exit(main())

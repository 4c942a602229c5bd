"""``python scripts/benchmark``; the same as `make bench`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from scripts.benchmark.command import main

    sys.exit(main())

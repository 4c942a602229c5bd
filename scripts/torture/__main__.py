"""``python scripts/torture``; the same as `make torture`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from scripts.torture.command import main

    sys.exit(main())

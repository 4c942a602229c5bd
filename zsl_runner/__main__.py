"""``python -m zsl_runner``, which is ``zsl-run``."""

from __future__ import annotations

import sys

from zsl_runner.train import main

if __name__ == "__main__":
    sys.exit(main())

"""What the user is told about a failed run."""

from __future__ import annotations

import os
import traceback

from zsl_runner.errors import RunError


def message_of(error: Exception) -> str:
    """Return the message for the terminal; an error without a message of ours keeps its traceback."""
    if isinstance(error, RunError) and os.environ.get("HYDRA_FULL_ERROR") != "1":
        return f"zsl-run: {error}"
    return "".join(traceback.format_exception(error)).rstrip()

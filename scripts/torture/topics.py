"""The topics by name."""

from __future__ import annotations

from scripts.torture.configurations import CONFIGURATIONS
from scripts.torture.kills import KILLS
from scripts.torture.verdict import Topic

TOPICS: dict[str, Topic] = {
    "kills": KILLS,
    "configurations": CONFIGURATIONS,
}

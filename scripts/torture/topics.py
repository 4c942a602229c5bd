"""The topics by name."""

from __future__ import annotations

from scripts.torture.cases.all import CASES
from scripts.torture.configurations import CONFIGURATIONS
from scripts.torture.data import DATA
from scripts.torture.directories import DIRECTORIES
from scripts.torture.disks import DISKS
from scripts.torture.kills import KILLS
from scripts.torture.verdict import Topic

TOPICS: dict[str, Topic] = {
    "cases": CASES,
    "configurations": CONFIGURATIONS,
    "data": DATA,
    "directories": DIRECTORIES,
    "disks": DISKS,
    "kills": KILLS,
}

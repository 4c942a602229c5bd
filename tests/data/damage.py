"""Damages the content of a file at random: bytes replaced, inserted, removed, or the rest cut off."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ALL_CHECKS_OFF = list(HealthCheck)


def damaged(content, data):
    """Return damaged content.

    Args:
        content: bytes, at least one.
        data: hypothesis' source of choices.
    """
    place = data.draw(st.integers(0, len(content) - 1))
    new = data.draw(st.binary(min_size=1, max_size=8))
    cut = {"flip": len(new), "insert": 0, "remove": data.draw(st.integers(1, 64)), "truncate": len(content)}
    kind = data.draw(st.sampled_from(sorted(cut)))
    middle = new if kind in ("flip", "insert") else b""
    return content[:place] + middle + content[place + cut[kind] :]


def times(examples):
    """Return the settings of a fuzz test that writes into the folder of its test."""
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=ALL_CHECKS_OFF)

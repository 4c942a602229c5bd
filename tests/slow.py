"""Parameters of tests that are left to the long tests."""

import pytest


def slow_if(long, values):
    """Return the parameters, tuples where a test takes several, those among ``long`` marked as slow."""
    marked = []
    for value in values:
        names = value if isinstance(value, tuple) else (value,)
        marked.append(pytest.param(*names, marks=pytest.mark.slow) if value in long else value)
    return marked

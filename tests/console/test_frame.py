import subprocess
import sys

import pytest

SCRIPT = """
import gc
from zsl_runner.console.frame import guarded, lasting
with {surrounding}:
    with lasting():
        import decimal
        print(gc.isenabled(), end=" ")
    with lasting():
        print(gc.isenabled(), end=" ")
print(gc.isenabled(), any(found is decimal.__dict__ for found in gc.get_objects()))
"""


@pytest.mark.parametrize(
    ("surrounding", "told"),
    [
        ("guarded()", "False True True False"),  # it is collected again, but for what was imported
        ("open('/dev/null')", "True True True True"),  # a program of a user's own
    ],
    ids=["command", "program"],
)
def test_what_a_command_imports_is_never_looked_through(surrounding, told):
    script = SCRIPT.format(surrounding=surrounding)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == told

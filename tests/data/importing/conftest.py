"""The example, imported in a format with options."""

import pytest

from tests.data.data_command import run
from tests.data.importing.example import as_npz, example


@pytest.fixture
def imported(tmp_path, capsys):
    """Return what imports the example in a format with options, and returns exit code, output and errors."""

    def run_it(*options, write=as_npz, name="mine", unseen=("--unseen", "cat,polar bear")):
        arguments = write(tmp_path, *example()) if write else []
        return run(capsys, "import", tmp_path / name, *arguments, *unseen, *options)

    return run_it

import pytest

from tests.outputs import Outputs


@pytest.fixture
def outputs(tmp_path):
    return Outputs(tmp_path / "outputs")

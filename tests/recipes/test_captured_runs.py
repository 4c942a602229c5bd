"""A run whose steps are captured says in its log and its record how many variants were, also where it was resumed."""

import pytest

from tests.recipes.comparison import same_end, straight_run
from tests.recipes.conftest import QUICK
from tests.results import recorded
from tests.training.emulated_graph import EmulatedGraph
from zsl_runner.training.replay import Capture


@pytest.fixture
def captured(monkeypatch):
    """Let runs capture their steps without CUDA."""

    def emulated(parts):
        return Capture(parts.streams, parts.optimisers, graphs=lambda device: EmulatedGraph)

    monkeypatch.setattr("zsl_runner.runs.stage.capture_of", emulated)


def cost(directory):
    return recorded(directory)["cost"]


def test_a_resumed_run_says_how_many_graphs_each_phase_had(tmp_path, kill_at, zsl_run, captured):
    directory = kill_at(130, tmp_path / "outputs/sgal/toy/killed", *QUICK)
    log = zsl_run(f"resume={directory}").stderr
    found = cost(directory)
    assert set(found["graphs"]) == {"tune/seen", "tune/em", "final/seen", "final/em"}
    assert found["graphs"]["final/em"] > 0
    for phase in ("final/seen", "final/em"):
        counted = f"phase {phase}: {found['graphs'][phase]} graphs replayed, {found['eager_variants'][phase]} variants"
        assert counted in log


def test_captured_runs_end_as_others(tmp_path_factory, launch, monkeypatch, captured):
    short = [*QUICK, "trainer.pretrain_steps=20", "trainer.em.iterations=20"]
    with_graphs = straight_run(tmp_path_factory, launch, *short)
    monkeypatch.undo()
    without = straight_run(tmp_path_factory, launch, *short)
    same_end(without, with_graphs)
    assert cost(without)["graphs"] == {} == cost(without)["eager_variants"]

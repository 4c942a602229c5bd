"""Whole runs with options for debugging: they end, say what they are, and stand in no table."""

from tests.recipes.conftest import QUICK
from tests.results import recorded


def test_two_steps_a_phase_and_a_profile_in_one_run(zsl_run, tmp_path):
    done = zsl_run(*QUICK, "debug=fast", "debug.profile=1", "trainer.em.rollback_every=null")
    (run,) = (tmp_path / "outputs" / "sgal" / "toy").iterdir()
    assert "debug-fast" in run.name
    result = recorded(run)
    assert result["status"] == "complete"
    assert result["debug"] == {"steps": 2, "profile": 1}
    assert result["selection"]["stage_lengths"] == {"tune": 4, "final": 4}
    assert "debug        steps 2, profile 1: comparable with nothing" in done.stdout
    assert {path.name for path in (run / "profile").iterdir()} == {
        f"{stage}-{phase}.pt.trace.json.gz" for stage in ("tune", "final") for phase in ("seen", "em")
    }
    listed = zsl_run("outputs", module="zsl_runner.report.cli").stdout
    assert "No complete run with these metrics." in listed
    assert f"debug run, not comparable: {run.relative_to(tmp_path)} (steps=2, profile=1; complete)" in listed

"""Settings that change no score of validation rows are told."""

import pytest
from omegaconf import OmegaConf

from tests.small_runs import config_of
from zsl_runner.config.rescore import rescored
from zsl_runner.config.saved import CONFIG_FILE

PAIRS = ("model=cvae_pairs", "dataset=digits_quadrant")
IMAGES = ("model=aae/semi_supervised", "dataset=digits_images", "dataset.labelled=100")


@pytest.mark.parametrize(
    ("arguments", "setting", "why"),
    [
        ((*PAIRS, "evaluator.stages=[tune]"), "evaluator.samples=5", "stages=[tune], where no test rows are read"),
        (PAIRS, "evaluator.samples=5", "validation rows, of which these scores are"),
        (PAIRS, "evaluator.validation_samples=5", None),
        (IMAGES, "evaluator.parzen.samples=5", "validation rows, of which these scores are"),
        (IMAGES, "evaluator.validation_rows=500", None),
        (("model=vzsl", "dataset=toy"), "evaluator.calibration=none", None),
    ],
)
def test_a_setting_that_changes_no_score_of_validation_rows_is_told(tmp_path, arguments, setting, why):
    (tmp_path / "checkpoints").mkdir()
    OmegaConf.save(OmegaConf.structured(config_of(tmp_path, *arguments)), tmp_path / CONFIG_FILE)
    ((combination, (evaluator, told)),) = rescored(tmp_path, [setting]).items()
    assert combination == (setting,)
    key, _, value = setting.partition("=")
    assert str(OmegaConf.select(OmegaConf.structured(evaluator), key.partition(".")[2])) == value
    assert told == ([] if why is None else [f"{key} has no effect with {why}  (command line: {setting})"])

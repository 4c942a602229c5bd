"""Options that would do nothing because of what other parts of a run are, and are refused."""

import pytest


@pytest.mark.parametrize(
    ("model", "trainer", "when"),
    [
        (["model=f_clswgan", "dataset=toy"], "feature_gan", "every trainer.evaluate_every epochs"),
        (["model=cvae_pairs", "dataset=digits_quadrant"], "cvae", "every trainer.evaluate_every epochs"),
        (["model=task_heads", "dataset=split_digits", "trainer=icarl", "trainer.memory=50"], "icarl", "when the ex"),
        (["model=sgal"], "em", ""),
        (["model=task_heads", "dataset=split_digits"], "finetune", ""),
    ],
)
def test_a_distance_of_validations_that_is_not_kept_is_refused(problems, verdict, model, trainer, when):
    assert verdict(*model).config.trainer.name == trainer
    found = problems(*model, "evaluator.every=7")
    assert found.keys() == ({"evaluator.every"} if when else set())
    assert not problems(*model, "evaluator.patience=null")
    for message, origin in found.values():
        assert message.startswith(f"has no effect: with trainer={trainer} a run validates {when}")
        assert origin == "command line: evaluator.every=7"


def test_a_projector_without_tensorboard_is_refused(problems):
    assert problems("tracker=minimal", "tracker.projector=true").keys() == {"tracker.projector"}
    assert not problems("tracker.projector=true")


def test_training_for_a_figure_that_is_not_drawn_is_refused(problems):
    plane = ("model=task_heads", "dataset=split_digits", "trainer=a_ewc", "trainer.plane=true")
    assert problems(*plane, "tracker=minimal").keys() == {"trainer.plane"}
    assert not problems(*plane)
    assert not problems(*plane[:-1], "tracker=minimal")


@pytest.mark.parametrize("parts", [["model=sgal"], ["model=joint_vae", "dataset=digits_images", "dataset.side=32"]])
def test_an_oracle_that_would_look_at_no_test_rows_is_refused(problems, parts):
    assert problems(*parts, "evaluator.stages=[tune]", "evaluator.oracle=true").keys() == {"evaluator.oracle"}
    assert not problems(*parts, "evaluator.oracle=true")
    assert not problems(*parts, "evaluator.stages=[tune]")

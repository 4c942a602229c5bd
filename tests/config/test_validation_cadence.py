"""Where validations follow the trainer's own options, those of the evaluator are refused on the command line."""

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

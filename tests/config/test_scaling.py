"""A model's file chooses how the data are scaled; whoever is more specific wins, and what cannot work is refused."""

import pytest

from tests.loaded import ours
from zsl_runner.config.check import check


def checked(*arguments):
    return check(ours(), arguments, count_devices=lambda: 0)


def scaling(*arguments):
    verdict = checked("dataset=toy", *arguments)
    assert verdict.problems == ()
    dataset = verdict.config.dataset
    return dataset.feature_scaling, dataset.radius, dataset.semantic_scaling


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["model=bi_vaegan"], ("l2", 1.0, "l2")),
        (["model=tf_vaegan"], ("minmax", None, "l2")),
        (["model=bi_vaegan", "dataset.feature_scaling=center_l2", "dataset.radius=3"], ("center_l2", 3.0, "l2")),
        (["experiment=bi_vaegan/released_awa2", "dataset=toy"], ("l2", 5.0, "l2")),
        (["experiment=bi_vaegan/flo89", "dataset=toy"], ("center_l2", None, "l2")),
    ],
)
def test_the_more_specific_choice_wins(arguments, expected):
    assert scaling(*arguments) == expected


def test_a_models_evaluator_and_trainer_come_with_it_and_yield():
    config = checked("dataset=toy", "model=bi_vaegan").config
    assert (config.trainer.name, config.evaluator.kind) == ("feature_gan_transductive", "final_classifier")
    assert checked("dataset=toy", "model=bi_vaegan", "trainer=feature_gan").config.trainer.mode == "inductive"
    assert (
        checked("dataset=toy", "model=sgal", "evaluator=final_classifier").config.evaluator.kind == "final_classifier"
    )


@pytest.mark.parametrize(
    ("arguments", "key", "words"),
    [
        (["model=f_vaegan", "dataset.feature_scaling=l2"], "model.output", "dataset.feature_scaling=minmax, found l2"),
        (["model=bi_vaegan", "dataset.feature_scaling=none", "dataset.radius=null"], "model.output", "found none"),
        (["model=bi_vaegan", "dataset.semantic_scaling=center"], "model.regressor", "unit norm"),
        (["model=f_vaegan", "trainer=feature_gan_transductive"], "trainer.mode", "no unlabelled row reaches"),
        (
            ["model=bi_vaegan", "model.weights.unseen_generator=0", "model.weights.attribute_generator=0"],
            "trainer.mode",
            "no unlabelled row reaches",
        ),
        (
            ["model=vzsl", "trainer=transductive", "model.reconstruction_weight=0", "model.sharpening_weight=0"],
            "trainer.steps",
            "unlabelled rows have no term",
        ),
        (["model=f_clswgan", "trainer.feedback_lr=0.1"], "trainer.feedback_lr", "no feedback_loop"),
        (["model=f_clswgan", "trainer.class_prior=cpe"], "trainer.class_prior", "needs mode=transductive"),
        (["model=bi_vaegan", "evaluator=zsl"], "evaluator", "class_scores"),
        (["model=f_clswgan", "trainer=em"], "trainer", "loss_terms"),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments, key, words):
    found = {problem.key: problem.message for problem in checked("dataset=toy", *arguments).problems}
    assert words in found[key]

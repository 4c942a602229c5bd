"""One step down the sum of named terms, for any trainer."""

import pytest
import torch
from torch import nn

from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.sections import RuntimeConf
from zsl_runner.errors import RunError
from zsl_runner.models.base import Model
from zsl_runner.streams import Streams
from zsl_runner.training.base import StepReport, TrainingContext, detached, total
from zsl_runner.training.optimisers import Optimisers
from zsl_runner.training.replay import eager
from zsl_runner.training.runtime import Runtime
from zsl_runner.training.terms import TermSums


class Two(Model):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(3.0)), nn.Parameter(torch.tensor(-2.0))

    def parameter_groups(self):
        return {"a": [self.a], "b": [self.b]}


def context(precision="fp32"):
    model, conf = Two(), OptimizerConf(algorithm="sgd", lr=0.5)
    optimisers = Optimisers(model.parameter_groups(), {"a": conf, "b": conf})
    runtime = Runtime(RuntimeConf(device="cpu", precision=precision))
    return TrainingContext(model, None, optimisers, runtime, Streams(0)), model


def test_the_named_groups_step_down_the_sum_and_the_terms_come_back_without_graph():
    work, model = context()
    terms = {"square": model.a.square(), "product": model.a * model.b}
    minimised = work.minimize_terms(terms, "a")
    # the derivative by a of a^2 + a b is 2 a + b = 4
    assert (model.a.item(), model.b.item()) == (1.0, -2.0)
    assert {name: term.item() for name, term in minimised.items()} == {"square": 9.0, "product": -6.0, "loss": 3.0}
    assert not any(term.requires_grad for term in minimised.values())
    assert work.optimisers.steps == 1


def test_several_groups_share_the_step():
    work, model = context()
    work.minimize_terms({"product": model.a * model.b}, "a", "b")
    assert (model.a.item(), model.b.item()) == (4.0, -3.5)
    assert work.optimisers.steps == 1


def test_terms_of_two_precisions_are_summed_in_the_wider_one():
    work, model = context("bf16")
    terms = {"rough": (model.a * 256).bfloat16(), "fine": model.a}
    assert work.minimize_terms(terms, "a")["loss"].item() == 771.0  # 768 + 3, which bfloat16 cannot hold


def test_a_total_keeps_the_graph_that_detached_terms_lose():
    x = torch.tensor(2.0, requires_grad=True)
    terms = {"one": x, "two": x.square()}
    total(terms).backward()
    assert x.grad.item() == 5.0
    assert detached(terms)["two"].grad_fn is None


@pytest.mark.parametrize(
    ("term", "found"),
    [(torch.ones(3), r"one of shape \(3,\)"), (torch.ones(0), r"one of shape \(0,\)"), (0.5, "a float")],
)
def test_a_term_that_is_not_one_number_is_refused_by_its_name(term, found):
    work, model = context()
    with pytest.raises(RunError, match=f"term rows of the loss: expected a tensor of one number, found {found}"):
        work.minimize_terms({"square": model.a.square(), "rows": term}, "a")
    with pytest.raises(RunError, match=f"term rows of the loss: expected a tensor of one number, found {found}"):
        TermSums().add({"square": torch.ones(()), "rows": term})
    assert (model.a.item(), work.optimisers.steps) == (3.0, 0)


def test_terms_of_one_number_are_summed_whatever_their_shapes():
    work, model = context()
    terms = {"square": model.a.square(), "row": 1 * model.a[None], "cell": 1 * model.a[None, None]}
    assert work.minimize_terms(terms, "a")["loss"].item() == 15.0
    assert model.a.item() == -1.0  # the derivative of a^2 + 2 a is 8
    sums = TermSums()
    sums.add(terms)
    sums.count(terms)
    assert sums.values() == {"square": 9.0, "row": 3.0, "cell": 3.0}


def test_a_loss_without_terms_is_refused_and_a_step_without_any_is_not():
    work, _ = context()
    with pytest.raises(RunError, match="the loss has no terms"):
        work.minimize_terms({}, "a")
    sums = TermSums()
    eager(lambda: StepReport({}, 5), sums)()
    assert sums.values() == {}


@pytest.mark.parametrize(("value", "steps"), [(torch.tensor(0.2).bfloat16(), 500), (torch.tensor(7), 3)])
def test_sums_of_terms_do_not_round_to_the_precision_of_a_term(value, steps):
    """A sum of bfloat16 stands still where a term is less than half the distance of two of its numbers."""
    sums = TermSums()
    for _ in range(steps):
        sums.add({"rough": value})
        sums.count(["rough"])
    sums.add({"rough": torch.tensor(0.5)})
    assert sums.values()["rough"] == pytest.approx(steps * value.item() + 0.5, rel=1e-5)


def test_a_step_that_returns_no_report_is_refused_by_its_type():
    with pytest.raises(RunError, match="a step returned a NoneType, expected a StepReport"):
        eager(lambda: None, TermSums())()

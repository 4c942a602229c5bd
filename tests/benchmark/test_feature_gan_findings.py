"""The benchmark of feature GANs measures what it says; no test here looks at how long anything took."""

import math

import pytest
import torch

from scripts.benchmark import feature_gan, iterations, problem
from scripts.benchmark.memory import adversarial_memory_finding
from scripts.benchmark.processes import Worker
from scripts.benchmark.timing import Effort
from zsl_runner.errors import RunError

ONCE = Effort(repeats=1, seconds=0.0)
TINY = (
    "dataset=toy",
    "dataset.width=8",
    "dataset.train_rows=10",
    *feature_gan.BI_VAEGAN,
    "model.hidden=16",
    "evaluator.classifier.synthetic_per_class=5",
    "trainer.prior_classifier.synthetic_per_class=5",
)


def test_products_are_counted_whichever_way_they_are_computed():
    a, b, out = torch.zeros(2, 3), torch.zeros(3, 5), torch.zeros(2, 5)
    with iterations.Products() as counter:
        torch.mm(a, b)
        torch.mm(a, b, out=out)
        torch.addmm(out, a, b)
        out.addmm_(a, b)
        a @ b
        out + out
    assert counter.flops == 5 * 2 * 2 * 3 * 5


def test_a_mean_iteration_holds_a_fifth_of_a_regressor_block():
    config = problem.configuration(*TINY)
    taken = []

    def iteration(number):
        taken.append(number)
        torch.mm(torch.zeros(1, 1), torch.zeros(1, 11 if number == 0 else 1))

    assert iterations.mean_flops(config, iteration) == (2 * 11 + 4 * 2 * 1) / 5
    assert taken == [0, 1]


def test_trainer_and_plain_version_take_the_same_steps():
    config = problem.configuration(*TINY)
    states = []
    for build in (iterations.of_trainer, iterations.written_plainly):
        parts = problem.stage(config)
        iteration = build(config, parts)
        for number in range(2):
            iteration(number)
        states.append(dict(parts.model.named_parameters()))
    # Adam's first steps are as long for a gradient that is nothing but rounding, as that of biases before batch norm.
    equal = [torch.isclose(value, states[1][name], rtol=1e-4, atol=1e-6) for name, value in states[0].items()]
    assert torch.cat([entries.flatten() for entries in equal]).float().mean() > 0.95


@pytest.mark.slow
def test_iteration_findings():
    bound, *plain = feature_gan.iteration_findings(TINY, ONCE, size=8)
    assert len(plain) == 1 + feature_gan.has_bf16()
    for finding in (bound, *plain):
        assert all(len(one.candidate) == len(one.reference) == 1 for one in finding.quantities.values())
        assert all(math.isfinite(one.ratio) and one.ratio > 0 for one in finding.quantities.values())
    assert plain[0].quantities["cpu"].candidate == bound.quantities["cpu"].candidate
    assert all(finding.quantities["cpu"].reference == plain[0].quantities["cpu"].reference for finding in plain)


def test_share_findings():
    found = feature_gan.share_findings("tiny", TINY)
    assert len(found) == 2
    assert found[0].quantities["cpu"].reference == found[1].quantities["cpu"].reference
    assert all(finding.quantities["cpu"].ratio > 0 for finding in found)


def test_a_worker_answers_and_says_why_it_ended():
    echo = "import sys\nfor number, _ in enumerate(sys.stdin): print(number, flush=True)"
    with Worker("-c", echo) as worker:
        assert [worker.ask().strip() for _ in range(3)] == ["0", "1", "2"]
    with Worker("-c", "import os; print(os.environ['COLOUR'])", variables={"COLOUR": "blue"}) as worker:
        assert worker.read() == "blue\n"
    with Worker("-c", "raise SystemExit('no luck')") as worker, pytest.raises(RunError, match="exit code 1\nno luck"):
        worker.read()


@pytest.mark.slow
def test_adversarial_memory_finding(tmp_path):
    finding = adversarial_memory_finding(ONCE, tmp_path, width=64, rows=20, synthetic=10)
    assert finding.quantities["memory"].candidate[0] > 100

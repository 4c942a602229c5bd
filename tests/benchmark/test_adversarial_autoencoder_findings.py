"""The plain step minimises what the trainer's sub-steps minimise, and the two are compared."""

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from scripts.benchmark.adversarial_autoencoder import adversarial_autoencoder_findings, trainer_of_sizes
from scripts.benchmark.iterations import Products
from scripts.benchmark.products import own_products, own_updates
from scripts.benchmark.timing import Effort
from tests.references.adversarial_autoencoder import PlainAdversarialAutoencoder
from tests.weights import differing, same, weights_of
from zsl_runner.objectives.adversarial import discriminator_loss, generator_loss
from zsl_runner.objectives.gaussian import squared_error


def test_the_plain_losses_are_those_of_the_sub_steps_before_any_update():
    trainer = trainer_of_sizes("fp32")
    model, x = trainer.model, trainer.rows.take(torch.arange(20)).x
    noise, prior = (torch.randn(20, 16, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    plain = PlainAdversarialAutoencoder(model, 1e-3, 0.5)
    with torch.no_grad():
        z = model.encode(x, noise).z
        expected = 0.5 * squared_error(x, model.decode(z, None)) + 0.5 * generator_loss(model.judge(z, None))
        told = discriminator_loss(model.judge(prior, None), model.judge(z, None))
    found, own = plain.step(x, noise, prior)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(own, told)
    moved = differing(model.state_dict(), plain.model.state_dict())
    assert {name.partition(".")[0] for name in moved} == {"encoder", "decoder", "discriminator"}


def test_findings_can_be_read():
    findings = adversarial_autoencoder_findings(Effort(repeats=1, seconds=0.0))
    assert {finding.topic for finding in findings} == {"adversarial_autoencoder"}
    against_products = [finding for finding in findings if finding.reference == "its own matrix products"]
    assert [finding.aim for finding in against_products] == [1.25, 1.25]
    for finding in findings:
        assert finding.quantities["cpu"].ratio > 0
        assert "products and updates" in "".join(finding.facts) or finding.aim != 1.25
    both = [
        finding for finding in findings if finding.reference == "its own matrix products and its optimisers' updates"
    ]
    assert len(both) == 2
    for finding in [finding for finding in findings if finding not in [*against_products, *both]]:
        assert finding.facts["parameters"] == "833,841"
        assert "plainly" in finding.facts["CPU seconds for 1,000 images"]


@pytest.mark.parametrize("encode", ["once", "twice"])
def test_a_step_s_own_products_are_as_many_as_it_has(encode):
    trainer = trainer_of_sizes("fp32", encode)
    with Products() as found:
        trainer.step()
    products = own_products(trainer.step)
    with Products() as repeated:
        products()
    assert repeated.flops == found.flops > 0


def test_a_step_s_own_updates_are_those_of_its_optimisers_and_leave_them_as_they_are():
    trainer = trainer_of_sizes("fp32")
    updates = own_updates(trainer.step)
    before = weights_of(trainer)
    moved: list[int] = []

    def note(optimiser, args, kwargs):
        moved.append(sum(p.numel() for group in optimiser.param_groups for p in group["params"] if p.grad is not None))

    hook = register_optimizer_step_pre_hook(note)
    try:
        updates()
        of_the_copies, _ = list(moved), moved.clear()
        trainer.step()
    finally:
        hook.remove()
    assert of_the_copies == moved
    assert len(moved) == 3
    updates()
    after_the_step = weights_of(trainer)
    updates()
    assert same(after_the_step, trainer.model.state_dict())
    assert not same(before, after_the_step)

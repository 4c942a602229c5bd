"""The plain step of JointVAE is the trainer's step, and the two are compared."""

import pytest
import torch

from scripts.benchmark import problem
from scripts.benchmark.joint_vae import MNIST_SETTING, joint_vae_findings
from scripts.benchmark.timing import Effort
from tests.references.joint_vae import PlainJointVAE


@pytest.fixture
def trainer():
    return problem.stage(problem.configuration(*MNIST_SETTING)).trainer


def test_the_plain_loss_is_that_of_the_trainer(trainer):
    x = trainer.images.take(torch.arange(16))
    noise = trainer.model.draw_noise(16, trainer.context.streams)
    plain = PlainJointVAE(trainer.model, 5e-4, gamma=30.0)
    found = plain.loss(x, noise, (0.5, 0.25), 0.67)
    expected = trainer.terms(x, noise, torch.tensor([0.5, 0.25]), 0.67)["loss"]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-3)
    assert sum(p.numel() for p in plain.parameters) == 687_359


def test_plain_steps_move_the_weights_as_the_trainers_do(trainer):
    plain = PlainJointVAE(trainer.model, 5e-4, gamma=30.0)
    before = trainer.model.encoder.hidden[0].weight.detach().clone()
    x = trainer.images.take(torch.arange(16))
    for _ in range(2):
        noise = trainer.model.draw_noise(16, trainer.context.streams)
        plain.step(x, noise, (0.5, 0.25), 0.67)
        terms = trainer.terms(x, noise, torch.tensor([0.5, 0.25]), 0.67)
        trainer.context.optimisers.minimize(terms["loss"] / 1024, "model")
    own, other = trainer.model.encoder.hidden[0].weight, plain.hidden[0].weight
    torch.testing.assert_close(own, other, rtol=0, atol=2e-5)
    assert (own - before).abs().max() > 5e-4


def test_findings_can_be_read():
    findings = joint_vae_findings(Effort(repeats=1, seconds=0.0))
    assert {finding.topic for finding in findings} == {"joint_vae"}
    for finding in findings:
        assert finding.quantities["cpu"].ratio > 0
        assert finding.facts["parameters"] == "687,359"

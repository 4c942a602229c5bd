import pytest
import torch

from zsl_runner.graphs import optimisers


def trained(optimiser, parameters, steps):
    generator = torch.Generator().manual_seed(len(steps))
    for _ in steps:
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimiser.step()
        optimiser.zero_grad()
    return parameters


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Adam", {"betas": (0.5, 0.9), "weight_decay": 0.1}),
        ("AdamW", {"weight_decay": 0.1}),
        ("SGD", {"momentum": 0.9}),
    ],
)
def test_it_is_torchs_to_the_bit_and_takes_up_its_state(name, options):
    ends = []
    for first, second in [(torch.optim, torch.optim), (optimisers, optimisers), (torch.optim, optimisers)]:
        parameters = [torch.nn.Parameter(torch.linspace(-1, 1, 5)), torch.nn.Parameter(torch.ones(2, 3))]
        before = getattr(first, name)(parameters, lr=0.1, fused=True, **options)
        trained(before, parameters, range(3))
        after = getattr(second, name)(parameters, lr=1.0, fused=True)
        after.load_state_dict(before.state_dict())
        assert all(parameter.grad is None for parameter in parameters)
        ends.append(torch.cat([parameter.detach().flatten() for parameter in trained(after, parameters, range(4))]))
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])
    assert not torch.equal(ends[0], torch.cat([torch.linspace(-1, 1, 5), torch.ones(6)]))

"""The second device finds what CUDA would refuse, and computes what the CPU computes."""

import io

import pytest
import torch

from tests.training.second_device import AWAY, AwayGenerator, AwayTensor, NothingOfTheCPU, second_device


@pytest.fixture(autouse=True)
def elsewhere():
    with second_device():
        yield


def rows():
    return torch.arange(6.0).reshape(2, 3).to(AWAY)


def test_a_network_trains_to_the_same_weights():
    trained = []
    for device in ("cpu", AWAY):
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1)).to(device)
        optimiser = torch.optim.Adam(network.parameters(), lr=0.1, fused=True)
        for _ in range(3):
            optimiser.zero_grad()
            network(rows().to(device)).square().sum().backward()
            optimiser.step()
        assert {parameter.device.type for parameter in network.parameters()} == {torch.device(device).type}
        trained.append([value.cpu() for value in network.state_dict().values()])
    assert all(torch.equal(here, there) for here, there in zip(*trained, strict=True))


def test_generators_draw_the_same_numbers():
    here, there = torch.Generator().manual_seed(1), AwayGenerator().manual_seed(1)
    drawn = torch.randn(4, generator=there, device=there.device)
    assert isinstance(drawn, AwayTensor)
    assert torch.equal(drawn.cpu(), torch.randn(4, generator=here))


def test_views_share_their_memory_and_numbers_come_back():
    values = rows()
    values[0].zero_()
    assert values.tolist() == [[0, 0, 0], [3, 4, 5]]
    assert float(values.sum()) == 12
    assert values[values > 3].shape == (2,)
    assert torch.tensor([1.0, 2.0], device=AWAY).tolist() == [1, 2]


def test_what_is_saved_is_what_the_cpu_saves():
    file = io.BytesIO()
    torch.save({"rows": rows()}, file)
    file.seek(0)
    assert torch.load(file, weights_only=True, map_location=AWAY)["rows"].device.type == "cpu"


MIXED = {
    "product": lambda: rows() @ torch.ones(3),
    "sum": lambda: rows() + torch.ones(3),
    "joined": lambda: torch.cat([rows(), torch.ones(2, 3)]),
    "linear": lambda: torch.nn.functional.linear(rows(), torch.ones(1, 3)),
    "labels": lambda: torch.nn.functional.cross_entropy(rows(), torch.zeros(2, dtype=torch.int64)),
    "positions": lambda: torch.ones(3)[torch.zeros(1, dtype=torch.int64, device=AWAY)],
}


@pytest.mark.parametrize("mixed", MIXED)
def test_tensors_of_two_devices_are_refused(mixed):
    with pytest.raises(RuntimeError, match="tensors of two devices"):
        MIXED[mixed]()


def test_numpy_does_not_see_what_is_elsewhere():
    with pytest.raises(RuntimeError):
        rows().numpy()


LEFT = {
    "number": lambda held: held * torch.tensor(2.0),
    "positions": lambda held: held[torch.tensor([0])],
    "made": lambda held: torch.zeros(2),
    "fetched": lambda held: held.cpu(),
}


@pytest.mark.parametrize("left", LEFT)
def test_a_computation_that_is_to_stay_elsewhere_may_not_touch_the_cpu(left):
    held = rows()
    LEFT[left](held)
    with NothingOfTheCPU(), pytest.raises(RuntimeError, match="a tensor of the CPU"):
        LEFT[left](held)

"""The second device finds what CUDA would refuse, and computes what the CPU computes."""

import io

import pytest
import torch

from scripts.benchmark import problem
from tests.golden.runs import CHANGED, STEPS
from tests.slow import slow_if
from tests.training.second_device import (
    AWAY,
    AwayGenerator,
    AwayTensor,
    NoNumbersOfTheHost,
    NothingOfTheCPU,
    second_device,
)
from zsl_runner.training.replay import eager
from zsl_runner.training.terms import TermSums


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


FROM_THE_OTHER = {
    "made here": lambda: torch.randn(3, generator=AwayGenerator()),
    "made there": lambda: torch.randn(3, generator=torch.Generator(), device=AWAY),
    "filled here": lambda: torch.ones(3).exponential_(generator=AwayGenerator()),
    "filled there": lambda: rows().exponential_(generator=torch.Generator()),
}


@pytest.mark.parametrize("drawn", FROM_THE_OTHER)
def test_numbers_of_one_device_are_not_drawn_from_a_generator_of_the_other(drawn):
    with pytest.raises(RuntimeError, match="generator of the other"):
        FROM_THE_OTHER[drawn]()


def test_views_share_their_memory_and_numbers_come_back():
    values = rows()
    values[0].zero_()
    assert values.tolist() == [[0, 0, 0], [3, 4, 5]]
    assert float(values.sum()) == 12
    assert values[values > 3].shape == (2,)
    assert torch.tensor([1.0, 2.0], device=AWAY).tolist() == [1, 2]


@pytest.mark.parametrize("device", [AWAY, torch.device("cpu")])
def test_what_is_saved_is_put_where_it_is_asked_for(device):
    file = io.BytesIO()
    torch.save({"rows": rows(), "history": [torch.ones(2)]}, file)
    file.seek(0)
    found = torch.load(file, weights_only=True, map_location=device)
    assert {found["rows"].device, found["history"][0].device} == {device}
    assert torch.equal(found["rows"].cpu(), rows().cpu())


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


UNREPEATABLE = {
    "pooled": lambda: torch.nn.functional.adaptive_avg_pool2d(maps(), 2).sum().backward(),
    "padded": lambda: torch.nn.functional.pad(maps(), (1, 1, 1, 1), mode="reflect").sum().backward(),
    "median": lambda: rows().median(1),
    "histogram": lambda: torch.histc(rows(), 3),
    "running sum": lambda: rows().cumsum(0),
}


def maps():
    return torch.ones(1, 1, 4, 4).to(AWAY).requires_grad_()


@pytest.mark.parametrize("unrepeatable", UNREPEATABLE)
def test_what_does_not_repeat_itself_on_cuda_is_refused(unrepeatable):
    with pytest.raises(RuntimeError, match="no deterministic implementation"):
        UNREPEATABLE[unrepeatable]()


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


def numbered(held):
    held[torch.tensor([0], device=held.device)] = 1.0


def numbered_once(held):
    held[0, 1] = 1.0


def listed(held):
    return held[[0, 1]]


@pytest.mark.parametrize("put", [numbered, numbered_once, listed])
def test_a_computation_that_is_not_to_wait_may_not_put_numbers_at_positions(put):
    held = torch.ones(2, 3)
    put(held)
    with NoNumbersOfTheHost(), pytest.raises(RuntimeError, match="a number of the host"):
        put(held)


def test_what_fills_a_slice_or_comes_from_the_device_is_no_number_of_the_host():
    held = rows()
    with NoNumbersOfTheHost():
        held[:1] = 0.0
        held[1] = 2.0
        held[held[0].long()[:1]] = held[1:].clone()
    assert held.tolist() == [[2, 2, 2], [2, 2, 2]]


ONE_OF_EACH = ("em", "feature_gan_transductive", "hybrid", "aae_adam", "capacity", "a_icarl")
RESUMED = slow_if(STEPS.keys() - ONE_OF_EACH, sorted(STEPS.keys() - {"closed_form"}))
BEFORE, AFTER = 4, 5
"""Steps of a phase before its checkpoint and after."""


def saved_and_loaded(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True, map_location=AWAY)


@pytest.mark.parametrize("name", RESUMED)
def test_training_goes_on_from_what_was_read_onto_its_device(name, monkeypatch):
    monkeypatch.setattr("zsl_runner.trainers.capacity.trainer.WATCH_STEPS", 3)
    config = problem.configuration(*STEPS[name], *CHANGED.get(name, []))
    parts, sums = problem.stage(config), TermSums()
    resumed = 0
    for place in range(len(parts.trainer.phases())):
        phase = parts.trainer.phases()[place]
        if phase.begin is not None:
            phase.begin()
        for step in range(min(phase.steps, BEFORE + AFTER)):
            if step == BEFORE:
                state = saved_and_loaded({"parts": parts.state_dict(), "sums": sums.state_dict()})
                parts, before, sums = problem.stage(config), sums.counts, TermSums()
                parts.load_state_dict(state["parts"])
                sums.load_state_dict(state["sums"], before)
                phase = parts.trainer.phases()[place]
                resumed += 1
            eager(phase.step, sums)()
        assert sums.values()
        if phase.end is not None:
            phase.end()
        assert all(tensor.cpu().numel() for tensor in parts.trainer.shown().values())
    assert resumed

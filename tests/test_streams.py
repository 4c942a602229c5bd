import copy

import torch

from zsl_runner.streams import Streams, derived_seed


def test_a_stream_does_not_move_another():
    alone, together = Streams(5), Streams(5)
    torch.rand(100, generator=together["figures"])
    assert torch.equal(torch.rand(9, generator=alone["noise"]), torch.rand(9, generator=together["noise"]))


def test_streams_of_one_seed_differ_and_so_do_seeds():
    draws = [
        torch.rand(4, generator=Streams(seed)[name]).tolist()
        for seed in (0, 1)
        for name in ("noise", "batches", "init")
    ]
    draws.append(torch.rand(4, generator=Streams(0).on_host("noise")).tolist())
    assert len({tuple(draw) for draw in draws}) == 7


def test_state_continues_every_stream():
    streams = Streams(3)
    torch.rand(7, generator=streams["noise"])
    torch.rand(2, generator=streams.on_host("schedule"))
    state = streams.state_dict()
    expected = torch.rand(5, generator=streams["noise"]), torch.rand(5, generator=streams.on_host("schedule"))
    other = Streams(99)
    torch.rand(1, generator=other["noise"])
    other.load_state_dict(state)
    assert torch.equal(torch.rand(5, generator=other["noise"]), expected[0])
    assert torch.equal(torch.rand(5, generator=other.on_host("schedule")), expected[1])


def test_initialising_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    with Streams(1).initialising():
        first = torch.nn.Linear(3, 3).weight
    with Streams(1).initialising():
        second = torch.nn.Linear(3, 3).weight
    assert torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())


def test_a_copied_model_shares_the_generators():
    streams = Streams(0)
    assert copy.deepcopy(streams) is streams


def test_derived_seeds_are_pinned():
    assert (derived_seed(0, "noise"), derived_seed(1, "tune")) == (1129392339022293447, 8802740419540866835)


def test_a_generator_handed_out_before_goes_on_with_the_loaded_state():
    streams, other = Streams(3), Streams(3)
    held, unknown = other["batches"], other["classes"]
    torch.rand(4, generator=streams["batches"])
    torch.rand(4, generator=unknown)
    other.load_state_dict(streams.state_dict())
    assert torch.equal(torch.rand(5, generator=held), torch.rand(5, generator=streams["batches"]))
    assert torch.equal(torch.rand(5, generator=unknown), torch.rand(5, generator=Streams(3)["classes"]))


def of_another_device(streams):
    """Return the state that the streams have, as if those not of the host were of another kind of device."""
    return {key: state if key.startswith("host:") else state[:16] for key, state in streams.state_dict().items()}


def test_streams_of_another_kind_of_device_begin_anew_where_the_others_had_come_to():
    streams, drawn = Streams(3), []
    streams["noise"], streams.on_host("schedule")
    for _ in range(2):
        state = of_another_device(streams)
        other, again = Streams(3), Streams(3)
        assert other.load_state_dict(state) == again.load_state_dict(state) == ["noise"]
        values = torch.rand(5, generator=other["noise"])
        assert torch.equal(torch.rand(5, generator=again["noise"]), values)
        drawn.append(values)
        schedules = (torch.rand(3, generator=one.on_host("schedule")) for one in (other, streams))
        assert torch.equal(*schedules)
        streams["noise"].manual_seed(8)  # whose first bytes differ
    fresh = torch.rand(5, generator=Streams(3)["noise"])
    assert not any(torch.equal(one, other) for one, other in ((*drawn,), (drawn[0], fresh), (drawn[1], fresh)))


def test_streams_of_the_same_kind_of_device_go_on():
    assert Streams(3).load_state_dict(Streams(4).state_dict()) == []

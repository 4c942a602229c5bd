"""What is asked of torch to capture a computation: on which device, and what is put back if it fails."""

import contextlib

import pytest
import torch

from zsl_runner.graphs import capture
from zsl_runner.graphs.capture import CudaGraph

FIRST, SECOND = torch.device("cuda", 0), torch.device("cuda", 1)


class Driver:
    """CUDA as far as capturing goes: a current device with a current stream, and pools that allocations go to."""

    def __init__(self):
        self.device = FIRST
        self.streams = {FIRST: "default of 0", SECOND: "default of 1"}
        self.recording = []
        self.fails = False

    @contextlib.contextmanager
    def on_device(self, device):
        before, self.device = self.device, device
        try:
            yield
        finally:
            self.device = before

    def set_stream(self, stream):
        self.streams[self.device] = stream

    @contextlib.contextmanager
    def graph(self, graph, pool, stream):
        outside = self.streams[self.device]
        self.streams[self.device] = stream
        self.recording.append((self.device.index, pool))
        yield
        if self.fails:  # as of torch 2.11: what follows is not reached
            raise RuntimeError("operation failed due to a previous error during capture")
        self.recording.clear()
        self.streams[self.device] = outside

    def end_allocate(self, index, pool):
        if (index, pool) not in self.recording:
            raise RuntimeError("not currently recording to mempool_id")
        self.recording.remove((index, pool))


@pytest.fixture
def driver(monkeypatch):
    driver = Driver()
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: f"capturing on {device.index}")
    monkeypatch.setattr(torch.cuda, "device", driver.on_device)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: driver.device.index)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: driver.streams[driver.device])
    monkeypatch.setattr(torch.cuda, "set_stream", driver.set_stream)
    monkeypatch.setattr(torch.cuda, "graph", driver.graph)
    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", driver.end_allocate, raising=False)
    capture._capturing.cache_clear()
    yield driver
    capture._capturing.cache_clear()


@pytest.mark.parametrize("device", [FIRST, SECOND])
def test_it_is_captured_on_its_own_device_whichever_is_current(driver, device):
    found = CudaGraph(device, (0, 1)).capture(lambda: (driver.device, driver.streams[driver.device]), ())
    assert found == (device, f"capturing on {device.index}")
    assert driver.device == FIRST
    assert driver.streams == {FIRST: "default of 0", SECOND: "default of 1"}
    assert driver.recording == []


@pytest.mark.parametrize("device", [FIRST, SECOND])
def test_after_a_failure_streams_and_memory_are_as_before(driver, device):
    driver.fails = True
    with pytest.raises(RuntimeError, match="previous error during capture"):
        CudaGraph(device, (0, 1)).capture(lambda: None, ())
    assert driver.device == FIRST
    assert driver.streams == {FIRST: "default of 0", SECOND: "default of 1"}
    assert driver.recording == []


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_a_device_that_is_not_current_is_captured():
    total = torch.zeros((), device=SECOND)
    graph = CudaGraph(SECOND, torch.cuda.graph_pool_handle())
    graph.capture(lambda: total.add_(1), ())
    assert float(total) == 0
    graph.replay()
    assert float(total) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_after_a_failure_on_cuda_memory_can_be_given_back_and_streams_are_as_before():
    value, before = torch.ones((), device="cuda"), torch.cuda.current_stream()
    with pytest.raises(RuntimeError):
        CudaGraph(torch.device("cuda"), torch.cuda.graph_pool_handle()).capture(lambda: float(value), ())
    assert torch.cuda.current_stream() == before
    freed = torch.empty(2**26, device="cuda")
    held = torch.cuda.memory_reserved()
    del freed
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() <= held - 2**26

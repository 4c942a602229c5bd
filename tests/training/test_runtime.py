"""What a run asks of torch."""

import platform
import resource

import numpy as np
import pytest
import torch

from zsl_runner.config.schema import RuntimeConf
from zsl_runner.training.runtime import Runtime


@pytest.fixture
def restored():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def after_a_run():
    Runtime(RuntimeConf(device="cpu"))
    assert np.float32(1e-30) * np.float32(1e-9) == 0


def test_a_test_in_the_process_of_a_run_has_subnormal_numbers(after_a_run):
    """Hypothesis refuses to draw floating-point numbers where they are flushed."""
    assert np.float32(1e-30) * np.float32(1e-9) > 0
    assert (torch.full((8,), 1e-30) * 1e-9).count_nonzero() == 8


@pytest.mark.parametrize("threads", [1, 2])
def test_numbers_too_small_to_be_fast_are_zero_on_every_thread(restored, threads):
    Runtime(RuntimeConf(device="cpu", threads=threads))
    small = torch.full((1 << 20,), 1e-30)
    assert small.count_nonzero() == len(small)
    assert (small * 1e-9).count_nonzero() == 0


def test_moments_that_no_gradient_feeds_end_at_zero(restored):
    """Subnormal moments make a step of Adam many times slower."""
    Runtime(RuntimeConf(device="cpu"))
    weight = torch.nn.Parameter(torch.ones(4))
    optimiser = torch.optim.Adam([weight], fused=True)
    for step in range(2000):
        weight.grad = torch.full((4,), 1e-3 if step == 0 else 0.0)
        optimiser.step()
    assert torch.equal(optimiser.state[weight]["exp_avg"], torch.zeros(4))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc lets a program say what it keeps")
def test_memory_that_a_step_gives_back_is_there_for_the_next(restored):
    Runtime(RuntimeConf(device="cpu"))

    def step():
        gradients = [torch.ones(1 << 18) for _ in range(16)]
        return sum(float(gradient[0]) for gradient in gradients)

    for _ in range(3):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        step()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 20 * 256  # a quarter of one gradient each

"""What a run asks of torch."""

import contextlib
import platform
import re
import resource
from pathlib import Path

import numpy as np
import pytest
import torch

import zsl_runner as zsl
from tests.small_runs import CLOSED, SMALL, config_of
from zsl_runner.config.sections import RuntimeConf
from zsl_runner.errors import RunError
from zsl_runner.runs.run import in_bfloat16
from zsl_runner.training.runtime import Runtime, settings_kept

SLOW_BF16 = (
    "runtime.precision=bf16 is slow on this processor, which has no instructions for it: "
    "a product takes many times as long as with runtime.precision=fp32"
)


@pytest.fixture
def restored():
    with settings_kept():
        yield


@pytest.fixture(scope="module")
def after_a_run():
    Runtime(RuntimeConf(device="cpu"))
    assert np.float32(1e-30) * np.float32(1e-9) == 0


def test_a_test_in_the_process_of_a_run_has_subnormal_numbers(after_a_run):
    """Hypothesis refuses to draw floating-point numbers where they are flushed."""
    assert np.float32(1e-30) * np.float32(1e-9) > 0
    assert (torch.full((8,), 1e-30) * 1e-9).count_nonzero() == 8


def settings():
    """Return what a run sets in torch, and whether there are subnormal numbers."""
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.get_deterministic_debug_mode(),
        "filled": torch.utils.deterministic.fill_uninitialized_memory,
        "benchmark": torch.backends.cudnn.benchmark,
        "precision": torch.get_float32_matmul_precision(),
        "rounded": torch.backends.cudnn.allow_tf32,
        "subnormal": bool(np.float32(1e-30) * np.float32(1e-9) > 0),
    }


@pytest.fixture
def of_a_program():
    """Settings of a program that are none of a run's."""
    with settings_kept():
        torch.set_num_threads(2)
        torch.set_deterministic_debug_mode("warn")
        torch.set_float32_matmul_precision("medium")
        torch.utils.deterministic.fill_uninitialized_memory = True
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = True
        yield settings()


def test_a_program_gets_its_settings_back_from_a_run(of_a_program):
    expected = {"threads": 1, "deterministic": 2, "precision": "highest"}
    expected |= dict.fromkeys(("filled", "benchmark", "rounded", "subnormal"), False)
    with settings_kept():
        runtime = Runtime(RuntimeConf(device="cpu"))
        assert settings() == expected
    assert settings() == of_a_program
    with contextlib.suppress(ValueError), runtime.in_force():
        assert settings() == expected
        raise ValueError("stop")
    assert settings() == of_a_program
    torch.set_flush_denormal(True)
    with settings_kept():
        torch.set_flush_denormal(False)
    assert not settings()["subnormal"]


@pytest.mark.parametrize(("precision", "rounded"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_convolutions_on_cuda_are_as_precise_as_products(precision, rounded, restored):
    """cuDNN has a setting of its own, which lets it round."""
    torch.backends.cudnn.allow_tf32 = not rounded
    Runtime(RuntimeConf(device="cpu", precision=precision))
    assert torch.backends.cudnn.allow_tf32 is rounded
    assert torch.get_float32_matmul_precision() == ("high" if rounded else "highest")


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="torch 2.9 has settings for kinds of layers")
def test_a_program_that_sets_convolutions_apart_gets_them_back(restored):
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    with settings_kept():
        Runtime(RuntimeConf(device="cpu", precision="tf32"))
        assert torch.backends.cudnn.conv.fp32_precision == "tf32"
    assert (torch.backends.cudnn.conv.fp32_precision, torch.backends.cudnn.rnn.fp32_precision) == ("ieee", "tf32")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_convolution_on_cuda_rounds_where_it_may(restored):
    x, weight = torch.rand(1, 64, 32, 32), torch.rand(64, 64, 3, 3)
    exact = torch.nn.functional.conv2d(x.double(), weight.double())
    error = {}
    for precision in ("fp32", "tf32"):
        Runtime(RuntimeConf(device="cuda", precision=precision))
        found = torch.nn.functional.conv2d(x.to("cuda"), weight.to("cuda")).cpu().double()
        error[precision] = float(((found - exact) / exact).abs().max())
    assert error["fp32"] < 1e-5 < error["tf32"]


@pytest.mark.parametrize(
    ("device", "precision", "fast", "told"),
    [("cpu", "bf16", False, 1), ("cpu", "bf16", True, 0), ("cpu", "fp32", False, 0), ("cuda", "bf16", False, 0)],
)
def test_bf16_is_told_to_be_slow_where_the_processor_has_no_instructions_for_it(
    restored, monkeypatch, device, precision, fast, told
):
    monkeypatch.setattr("zsl_runner.training.runtime._multiplies_bf16", lambda: fast)
    runtime = Runtime(RuntimeConf(device="cpu", precision=precision))
    runtime.device = torch.device(device)
    warnings = runtime.warnings()
    assert len(warnings) == told
    assert all("runtime.precision=fp32" in warning for warning in warnings)
    others = [told.partition(" ")[0] for told in runtime.warnings(["a.inputs", "b.inputs"])[told:]]
    assert others == ([] if fast or device == "cuda" else ["a.inputs=bfloat16", "b.inputs=bfloat16"])


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="only Linux lists a processor's instructions there")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors call their instructions by other names")
def test_instructions_for_bf16_are_those_that_the_system_knows(restored):
    known = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text()))
    if "avx512_bf16" not in known and known & {"avx512bw", "avx_ne_convert"}:
        pytest.skip("instructions that are not for bf16 alone, and serve it")
    expected = [] if "avx512_bf16" in known else [SLOW_BF16]
    assert Runtime(RuntimeConf(device="cpu", precision="bf16")).warnings() == expected


def test_a_run_says_that_bf16_is_slow_before_it_trains(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr("zsl_runner.training.runtime._multiplies_bf16", lambda: False)
    run = zsl.run([*CLOSED, "dataset=toy", "runtime.device=cpu", "runtime.precision=bf16", f"outputs='{tmp_path}'"])
    assert SLOW_BF16 in run.result.warnings
    assert SLOW_BF16 in caplog.messages


@pytest.mark.parametrize(("prior", "parts"), [("uniform", ["evaluator"]), ("cpe", ["trainer", "evaluator"])])
def test_classifiers_in_use_that_multiply_in_bfloat16_are_named(tmp_path, prior, parts):
    keys = {"trainer": "trainer.prior_classifier.inputs", "evaluator": "evaluator.classifier.inputs"}
    given = [f"{key}=bfloat16" for key in keys.values()]
    config = config_of(tmp_path, "model=bi_vaegan", "dataset=toy", f"trainer.class_prior={prior}", *given)
    assert in_bfloat16(config) == [keys[part] for part in parts]


def test_a_run_in_python_leaves_the_settings_of_the_program(of_a_program, tmp_path):
    run = zsl.run([*SMALL, "runtime.device=cpu", f"outputs='{tmp_path}'"])
    assert settings() == of_a_program
    rows = run.data.features[run.data.test_unseen]
    found, generated = run.predict(rows), run.generate(0, 2)
    assert settings() == of_a_program
    with run.runtime.in_force():
        np.testing.assert_array_equal(run.predict(rows).scores, found.scores)
        np.testing.assert_array_equal(run.generate(0, 2), generated)
    with pytest.raises(RunError, match="generates no features"):
        zsl.run([*CLOSED, "dataset=toy", "runtime.device=cpu", f"outputs='{tmp_path}'"]).generate(0, 2)
    assert settings() == of_a_program


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


def test_memory_of_the_gpu_is_counted_from_the_start_of_the_run(restored, monkeypatch):
    called = []
    monkeypatch.setattr("zsl_runner.training.runtime._device", lambda name: torch.device("cuda", 1))
    for name in ("init", "empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda *device, name=name: called.append((name, *device)))
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 3 * 2**20 * device.index)
    runtime = Runtime(RuntimeConf(device="cuda:1"))
    assert called == [("init",), ("empty_cache",), ("reset_peak_memory_stats", torch.device("cuda", 1))]
    assert runtime.device_memory() == 3.0


def test_a_run_on_the_cpu_holds_no_memory_of_a_gpu(restored):
    assert Runtime(RuntimeConf(device="cpu")).device_memory() is None

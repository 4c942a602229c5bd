"""The benchmark measures what it says; no test here looks at how long anything took."""

import io
import json
import math

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from scripts.benchmark import problem, topics
from scripts.benchmark.command import main
from scripts.benchmark.loading import load_findings
from scripts.benchmark.memory import memory_findings
from scripts.benchmark.processes import python
from scripts.benchmark.products import bare, products_of
from scripts.benchmark.reporting import REPORT, write_runs
from scripts.benchmark.sharing import RUNS, sharing_finding
from scripts.benchmark.startup import first_step_finding, help_finding
from scripts.benchmark.timing import Cost, Effort, Quantity, interleaved
from scripts.benchmark.training import loop_findings, step_findings
from zsl_runner.data.command.chosen import chosen
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.errors import RunError

ONCE = Effort(repeats=1, seconds=0.0)
TINY = ("dataset=toy", "dataset.width=16", "dataset.train_rows=10", "tracker.log_every=3", "model.latent_dim=4")
SGAL = ("model=sgal", "trainer=em", "model.prior.hidden=[8]")


def sound(finding):
    """Whether a finding can be read and written."""
    assert finding.name
    assert finding.reference
    for quantity in finding.quantities.values():
        assert len(quantity.candidate) == len(quantity.reference) > 0
        assert math.isfinite(quantity.ratio)
        assert quantity.ratio > 0
        assert all(math.isfinite(edge) for edge in quantity.spread)
    return True


def test_candidates_and_references_take_turns():
    turns = []

    def task(name, cpu):
        turns.append(name)
        return Cost(cpu, 2 * cpu)

    first, second = interleaved(2, lambda: task("a", 6.0), lambda: task("b", 3.0), lambda: task("c", 1.0), divide_by=2)
    assert turns == ["a", "b", "c"] * 3  # one round to warm up
    assert first["cpu"].medians == (3.0, 1.5)
    assert first["wall"].medians == (6.0, 3.0)
    assert second["cpu"].ratio == 6.0


def test_ratio_and_spread():
    quantity = Quantity("s", [2.0, 8.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 10.0])
    assert quantity.ratio == 4.0 / 3.0
    assert quantity.spread == (1.0, 2.0)  # of 0.5, 1, 1, 2, 4
    assert Quantity("s", [3.0], [2.0]).spread == (1.5, 1.5)


@pytest.mark.parametrize("phase", ["seen", "em"])
@pytest.mark.parametrize("model", [SGAL, ("model=sgal_released", "trainer=em_released")])
def test_the_products_are_those_of_the_step(model, phase):
    parts = problem.stage(problem.configuration(*TINY, *model, *problem.MIXED_STEP))
    step = problem.phase(parts, phase).step
    products = products_of(parts.model, step)
    expected = sum(product.flops for product in products)
    for computed in (step, bare(products)):
        with FlopCounterMode(display=False) as counter:
            computed()
        assert counter.get_total_flops() == expected


def test_products_of_one_layer_count_each_gradient():
    layer = torch.nn.Linear(5, 3)
    x = torch.zeros(7, 5)
    (forward,) = products_of(layer, lambda: layer(x.requires_grad_(False)))
    assert (forward.rows, forward.inputs, forward.outputs) == (7, 5, 3)
    assert (forward.weight_gradient, forward.input_gradient) == (True, False)
    (inner,) = products_of(layer, lambda: layer(x.clone().requires_grad_(True)))
    assert inner.flops == 3 * 2 * 7 * 5 * 3
    with torch.no_grad():
        (generating,) = products_of(layer, lambda: layer(x))
    assert generating.flops == 2 * 7 * 5 * 3
    assert not layer._forward_hooks


@pytest.mark.parametrize("phase", ["seen", "em"])
def test_loop_findings(phase, tmp_path):
    inside, against_bare, checkpoint = loop_findings("tiny", (*TINY, *SGAL), phase, ONCE, tmp_path)
    assert all(map(sound, (inside, against_bare, checkpoint)))
    cpu = inside.quantities["cpu"]
    assert cpu.candidate[0] > cpu.reference[0]  # the whole holds the part
    written = (tmp_path / "metrics.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in written[1:]} == {"3", "6"}  # two repetitions of one log interval
    assert list(tmp_path.glob("events.*"))
    assert checkpoint.facts["steps between two"] == "500"


@pytest.mark.parametrize("phase", ["seen", "em"])
def test_step_findings(phase):
    alone, updated = step_findings("tiny", (*TINY, *SGAL, *problem.MIXED_STEP), phase, ONCE)
    assert sound(alone)
    assert sound(updated)
    assert alone.facts["rate of the products"].endswith("GFLOP/s")


def test_an_unknown_phase_is_named():
    parts = problem.stage(problem.configuration(*TINY, *SGAL))
    with pytest.raises(ValueError, match="expected one of seen, em, found 'fit'"):
        problem.phase(parts, "fit")


@pytest.fixture
def small_files(tmp_path):
    root = tmp_path / "small"
    synthesize(root, chosen("toy", ["width=6", "seen=6", "unseen=3", "attributes=4", "train_rows=5", "test_rows=2"]))
    return chosen("xlsa17", ["name=small", f"root='{root}'"])


def test_load_findings(small_files, tmp_path):
    found = load_findings("small", small_files, ONCE, tmp_path)
    assert len(found) == 3
    assert all(map(sound, found))
    assert len(list((tmp_path / "cache").glob("*.h5"))) == 1


def test_the_command_prints_and_writes_json(small_files, tmp_path, monkeypatch, capsys):
    def measure(effort, folder):
        return load_findings("small", small_files, ONCE, folder)

    monkeypatch.setitem(topics.TOPICS, "load", measure)
    assert main(["--quick", "--only", "load", "--json", str(tmp_path / "measured.json")]) == 0
    printed = capsys.readouterr().out
    assert "small: from the cache, against reading the cache file's bytes" in printed
    assert "torch" in printed
    content = json.loads((tmp_path / "measured.json").read_text())
    assert content["machine"]["threads"] == "1"
    assert [finding["topic"] for finding in content["findings"]] == ["load"] * 3
    assert all(np.isfinite(finding["quantities"]["cpu"]["ratio"]) for finding in content["findings"])


def test_a_measurement_outlives_who_reads_it(tmp_path, monkeypatch):
    class Gone(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Gone())
    monkeypatch.setitem(topics.TOPICS, "load", lambda _effort, _folder: [])
    assert main(["--only", "load", "--json", str(tmp_path / "measured.json")]) == 0
    assert json.loads((tmp_path / "measured.json").read_text())["findings"] == []


def test_a_process_is_measured_and_a_failing_one_is_reported(tmp_path):
    cost, printed = python("-c", "import os; print(os.getcwd(), os.environ['OMP_NUM_THREADS'])", folder=tmp_path)
    assert cost.wall > 0
    assert printed.split() == [str(tmp_path), "1"]
    with pytest.raises(RunError, match="exit code 3\nno luck"):
        python("-c", "import sys; sys.stderr.write('no luck'); sys.exit(3)")


def test_peak_memory_is_the_process_s_own():
    held = np.ones(30_000_000)  # 229 MiB in the process that starts the other
    _, printed = python("-c", "from zsl_runner.runs.result import peak_memory; print(peak_memory())")
    assert held.nbytes / 2**20 > 2 * float(printed)


def test_the_runs_of_the_report_are_read_as_intended(tmp_path):
    write_runs(tmp_path, count=6, seeds=3)
    _, printed = python("-c", REPORT, str(tmp_path))
    assert printed.count("| sgal | em | pretrain_steps=") == 2
    assert printed.count("| 3 | 1:00 |") == 2


@pytest.mark.slow
@pytest.mark.slow
def test_runs_on_one_cache_share_the_features(tmp_path):
    finding = sharing_finding(ONCE, tmp_path, width=1024, rows=400, steps=20)
    assert sound(finding)
    matrix = 400 * 50 * 1024 * 4 / 2**20
    alone = float(finding.facts["one run"].split()[0])
    together = float(finding.facts[f"{RUNS} runs"].split()[0])
    assert together < RUNS * alone - (RUNS - 1.5) * matrix


@pytest.mark.slow
def test_memory_findings(tmp_path):
    growth, held = memory_findings(ONCE, tmp_path, width=512, rows=300, steps=2)
    assert sound(held)
    assert growth.quantities["memory"].reference == [pytest.approx(200 * 50 * 512 * 4 / 2**20)]


@pytest.mark.slow
def test_start_findings(tmp_path):
    assert sound(help_finding(ONCE))
    assert sound(first_step_finding(ONCE, tmp_path))

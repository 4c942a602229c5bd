"""The same seeds give the same metrics on every launcher, and a lost worker loses no run."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.launching.conftest import TRAINED
from tests.launching.processes import (
    REPOSITORY,
    answers,
    environment,
    free_port,
    kill_session,
    needs,
    read,
    session_of_its_own,
    start,
    sweep,
    wait_until,
)

SLURM_TOOLS = ("slurmctld", "slurmd", "sbatch", "munged")
POOL = needs("hydra_joblib_launcher", "pool")
SLURM = needs("hydra_submitit_launcher", "slurm")
RAY = needs("hydra_ray_launcher", "ray")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """A Slurm of one node; its environment."""
    missing = [tool for tool in SLURM_TOOLS if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and Slurm; not there: {', '.join(missing) or 'root'}")
    home = Path(tempfile.mkdtemp(prefix="slurm"))  # a short path: munge's socket lies in it
    script = [str(REPOSITORY / "scripts" / "slurm_single_node")]
    variables = {"SLURM_SINGLE_NODE": str(home), "SLURM_SINGLE_NODE_PORT": str(free_port())}
    subprocess.run([*script, "start"], env=environment(**variables), check=True, timeout=120)
    yield {"SLURM_CONF": str(home / "slurm.conf")}
    subprocess.run([*script, "stop"], env=environment(**variables), check=True, timeout=120)
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def ray_cluster():
    """A Ray head on 127.0.0.2; the environment of its clients, its address, and what starts a second node.

    Ray replaces 127.0.0.1 by the machine's address in its network, but no other loopback address.
    """
    home = tempfile.mkdtemp(prefix="ray")  # a short path: sockets lie in it
    address = f"127.0.0.2:{free_port()}"
    variables = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    ray = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--block", "--num-cpus=1"]
    ray += ["--object-store-memory=100000000", "--disable-usage-stats"]
    port = address.partition(":")[2]
    head = [*ray, "--head", "--node-ip-address=127.0.0.2", f"--port={port}", f"--temp-dir={home}"]
    second = [*ray, f"--address={address}", "--node-ip-address=127.0.0.3"]
    with session_of_its_own(*head, "--include-dashboard=false", **variables):
        wait_until(lambda: answers("127.0.0.2", int(port)))
        yield variables, address, lambda: session_of_its_own(*second, **variables)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def metrics(tmp_path_factory):
    """What the basic launcher measured."""
    folder = tmp_path_factory.mktemp("basic")
    sweep(folder, "seed=0,1")
    return read(folder)


@pytest.mark.slow
def test_the_basic_launcher_repeats_itself(metrics, tmp_path):
    sweep(tmp_path, "seed=1,0")
    assert read(tmp_path) == metrics
    assert [record["status"] for record in metrics.values()] == ["complete", "complete"]


@pytest.mark.launcher
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["hydra/launcher=pool", "hydra.launcher.n_jobs=2"], marks=POOL, id="pool"),
        pytest.param(["hydra/launcher=slurm_local"], marks=SLURM, id="slurm_local"),
        pytest.param(["hydra/launcher=ray_local", "hydra.launcher.ray.init.num_cpus=2"], marks=RAY, id="ray_local"),
    ],
)
def test_the_same_metrics_on_every_launcher(metrics, tmp_path, arguments):
    printed = sweep(tmp_path, *arguments, "seed=0,1")
    assert read(tmp_path) == metrics
    assert "2 of 2 runs complete" in printed


@pytest.mark.launcher
@POOL
def test_workers_of_a_killed_command_save_their_runs_and_end(tmp_path):
    arguments = ["-m", *TRAINED, "hydra/launcher=pool", "hydra.launcher.n_jobs=2", "trainer.pretrain_steps=300"]
    process, _ = start(tmp_path, *arguments, "seed=0,1,2")
    wait_until(lambda: len({file.parent for file in tmp_path.glob("outputs/sgal/toy/*/checkpoints/step-*.pt")}) == 2)
    process.kill()
    process.wait()
    wait_until(lambda: {record["status"] for record in read(tmp_path).values()} == {"interrupted"})
    process, log = start(tmp_path, *arguments, "seed=0,1,2")
    assert process.wait(timeout=500) == 0, log.seek(0) or log.read()
    straight = tmp_path / "straight"
    straight.mkdir()
    process, _ = start(straight, "-m", *TRAINED, "seed=0,1,2", "trainer.pretrain_steps=300")
    assert process.wait(timeout=500) == 0
    assert read(tmp_path) == read(straight)


@pytest.mark.launcher
@SLURM
def test_an_array_on_a_real_slurm_and_the_same_command_again(metrics, slurm, tmp_path):
    array = ["hydra/launcher=slurm", "hydra.launcher.mem_gb=2", "seed=0,1"]
    sweep(tmp_path, *array, **slurm)
    assert read(tmp_path) == metrics
    assert sweep(tmp_path, *array, **slurm).count("complete before") == 2


@pytest.mark.launcher
@SLURM
def test_a_job_put_back_into_the_queue_goes_on(slurm, tmp_path):
    longer = [*TRAINED, "trainer.pretrain_steps=300", "seed=0"]
    straight = tmp_path / "straight"
    straight.mkdir()
    process, _ = start(straight, "-m", *longer)
    process.wait(timeout=300)
    array = ["hydra/launcher=slurm", "hydra.launcher.mem_gb=2", "existing=new"]  # its own run is no existing one
    process, log = start(tmp_path, "-m", *longer, *array, **slurm)
    run = tmp_path / "outputs/sgal/toy/t+seed-0"
    wait_until(lambda: list(run.glob("checkpoints/step-*50.pt")))
    ids = subprocess.run(
        ["squeue", "-h", "-o", "%A"], env=environment(**slurm), capture_output=True, text=True, check=True
    )
    subprocess.run(["scontrol", "requeue", ids.stdout.split()[0]], env=environment(**slurm), check=True)
    assert process.wait(timeout=500) == 0, log.seek(0) or log.read()
    assert read(tmp_path) == read(straight)
    assert [path.name for path in run.parent.iterdir()] == [run.name]


@pytest.mark.launcher
@RAY
def test_a_worker_killed_in_the_middle_of_a_sweep_on_a_ray_cluster(ray_cluster, tmp_path):
    variables, address, second_node = ray_cluster
    with second_node() as second:
        arguments = ["hydra/launcher=ray_cluster", f"hydra.launcher.ray.init.address={address}", "seed=0,1,2"]
        process, log = start(tmp_path, "-m", *TRAINED, *arguments, "trainer.pretrain_steps=200", **variables)
        wait_until(lambda: len(list(tmp_path.glob("outputs/sgal/toy/*/checkpoints/step-*.pt"))) > 2)
        kill_session(second)
        assert process.wait(timeout=500) == 0, log.seek(0) or log.read()
    found = read(tmp_path)
    assert sorted(found) == ["t+seed-0", "t+seed-1", "t+seed-2"]
    assert {record["status"] for record in found.values()} == {"complete"}
    straight = tmp_path / "straight"
    straight.mkdir()
    process, _ = start(straight, "-m", *TRAINED, "seed=0,1,2", "trainer.pretrain_steps=200")
    assert process.wait(timeout=500) == 0
    assert found == read(straight)

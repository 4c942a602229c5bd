"""Serves TensorBoard on real runs, asks its HTTP API, and looks at the pages in headless Chromium."""

import json
import math
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from tests.launching.processes import free_port
from tests.slow import slow_if
from zsl_runner.config.sections import TrackerConf
from zsl_runner.tracking.tracker import Tracker

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHASES = {"tune": ["pretrain", "learn"], "final": ["pretrain", "learn"]}
RUNS = {
    "sgal/digits/em+seed-0": {"model": "sgal", "seed": 0, "model.latent_dim": 32},
    "sgal/digits/em+seed-1": {"model": "sgal", "seed": 1, "model.latent_dim": 32},
    "vzsl/digits/vae+margin-0.5+seed-0": {"model": "vzsl", "seed": 0, "model.margin": 0.5},
}
RESULTS = {"H (test)": 40.0, "H (val)": 25.0, "test/U": 40.0}
TABS = ("timeseries", "custom_scalars", "images", "text", "hparams")


def write_run(directory, hyperparameters):
    """Write a run that was interrupted in its final stage and resumed."""
    directory.mkdir(parents=True)
    conf = TrackerConf(progress="none", projector=True)
    for resume_step, steps in ((None, range(20, 401, 20)), (200, range(220, 401, 20))):
        tracker = Tracker(directory, conf, resume_step=resume_step)
        tracker.describe(hyperparameters, PHASES)
        tracker.text("config", "```yaml\nmodel:\n  name: sgal\n```")
        for step in steps:
            stage = "tune" if step <= 200 else "final"
            phase = "pretrain" if step % 200 in range(1, 101) else "learn"
            tracker.scalars(step, {"reconstruction": 9 * math.exp(-step / 90), "kl": 0.5}, stage, phase)
            if stage == "tune":
                tracker.scalars(step, {f"val/{name}": step / 8 for name in ("T1", "U", "S", "H")}, stage, phase)
        if resume_step is None:
            tracker.close()
    tracker.scalars(400, {f"test/{name}": 40.0 for name in ("T1", "U", "S", "H")}, "final", "test")
    assert tracker.figure("line", Figure((2, 1)), 400) is not None
    points = np.random.default_rng(0).normal(size=(40, 6))
    tracker.embedding("features", points, {"class": ["a", "b"] * 20, "origin": ["real"] * 40}, 400)
    tracker.conclude(hyperparameters, RESULTS, 400)
    tracker.close(complete=True)


class Server:
    """A TensorBoard process on loopback."""

    def __init__(self, folder, log, load_fast):
        self.address = f"http://127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--host", "127.0.0.1"]
        self.log = log
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                [*command, "--port", port, f"--load_fast={load_fast}"], stdout=stream, stderr=subprocess.STDOUT
            )

    def get(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=10) as answer:
            return json.load(answer)

    def wait_until(self, ready):
        limit = time.monotonic() + 90
        while time.monotonic() < limit:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if ready():
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.3)
        pytest.fail(f"TensorBoard was not ready after 90 s:\n{self.log.read_text()}")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    for name, hyperparameters in RUNS.items():
        write_run(folder / name, hyperparameters)
    return folder


@pytest.fixture(scope="module", params=["false", "auto"])
def server(request, outputs, tmp_path_factory):
    """Serve the runs with TensorBoard's own reader and, where it is installed, with its fast one."""
    serving = Server(outputs, tmp_path_factory.mktemp("log") / "tensorboard.log", request.param)
    try:
        serving.wait_until(
            lambda: all("train/learn/kl" in serving.get("/data/plugin/scalars/tags").get(run, ()) for run in RUNS)
        )
        yield serving
    finally:
        serving.process.terminate()
        serving.process.wait(timeout=20)


def test_there_is_exactly_one_run_per_directory(server):
    assert set(server.get("/data/runs")) == set(RUNS)


def test_every_scalar_is_there_once(server):
    tags = server.get("/data/plugin/scalars/tags")
    expected = {f"val/{name}" for name in ("T1", "U", "S", "H")}
    expected |= {
        f"{stage}/{phase}/{term}"
        for stage in ("tune", "train")
        for phase in ("pretrain", "learn")
        for term in ("reconstruction", "kl")
    }
    for run in RUNS:
        assert set(tags[run]) == expected
        query = urllib.parse.urlencode({"run": run, "tag": "train/pretrain/kl"})
        assert [row[1] for row in server.get(f"/data/plugin/scalars/scalars?{query}")] == list(range(220, 301, 20))


def test_hyperparameters_stand_beside_the_latest_metrics(server):
    names = ("model", "seed", "model.latent_dim", "model.margin", *RESULTS)
    columns = {"hparams": [{"hparam": name} for name in names]}
    experiment = server.get("/data/plugin/hparams/experiment", {"experimentName": ""})
    assert {info["name"] for info in experiment["hparamInfos"]} == {entry["hparam"] for entry in columns["hparams"]}
    metrics = [{"name": {"group": "", "tag": tag}} for tag in ("val/T1", "val/H")]
    assert {metric["name"]["tag"] for metric in metrics} <= {info["name"]["tag"] for info in experiment["metricInfos"]}
    request = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
        "colParams": [{"metric": metric["name"]} for metric in metrics] + columns["hparams"],
        "startIndex": 0,
        "sliceSize": 100,
    }
    groups = server.get("/data/plugin/hparams/session_groups", request)["sessionGroups"]
    assert {group["name"] for group in groups} == set(RUNS)
    for group in groups:
        (session,) = group["sessions"]
        assert session["status"] == "STATUS_SUCCESS"
        values = {value["name"]["tag"]: value["value"] for value in group["metricValues"]}
        assert (values["val/T1"], values["val/H"]) == (25.0, 25.0)
        assert {name: value for name, value in group["hparams"].items() if value is not None} == {
            **RUNS[group["name"]],
            **RESULTS,
        }


def test_layout_texts_images_and_projector_are_served(server):
    layout = server.get("/data/plugin/custom_scalars/layout")
    titles = [[chart["title"] for chart in category["chart"]] for category in layout["category"]]
    assert titles == [["val"], ["tune/pretrain", "tune/learn", "train/pretrain", "train/learn"]]
    images, texts = server.get("/data/plugin/images/tags"), server.get("/data/plugin/text/tags")
    for run in RUNS:
        assert set(images[run]) == {"zsl figures/line"}
        assert set(texts[run]) == {"config/text_summary", "results/text_summary"}
    server.wait_until(lambda: set(server.get("/data/plugin/projector/runs")) == set(RUNS))


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found; on Debian: apt-get install chromium")
@pytest.mark.parametrize("server", ["auto"], indirect=True)
@pytest.mark.parametrize("tab", slow_if(["timeseries", "custom_scalars", "images", "text"], TABS))
def test_the_pages_draw_in_a_browser(server, tab, tmp_path):
    shot = tmp_path / f"{tab}.png"
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-proxy-server",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1400,1000",
        "--virtual-time-budget=20000",
        f"--screenshot={shot}",
        "--dump-dom",
    ]
    page = f"{server.address}/#{tab}"
    done = subprocess.run([CHROMIUM, *flags, page], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    selected = re.search(r'aria-selected="true".*?data-plugin-id="(\w+)"', done.stdout, re.DOTALL)
    assert selected is not None, "no tab is open"
    assert selected[1] == tab
    assert "No dashboards are active" not in done.stdout
    if tab == "timeseries":  # the others hide their content from the document's text
        assert all(run in done.stdout for run in RUNS)
    grey = imread(shot)[120:, :, :3].mean(axis=2)
    assert 0.002 < (grey < 0.55).mean() < 0.6, "the page below the header is empty or black"

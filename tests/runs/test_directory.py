import errno
import os
import re
from multiprocessing import get_context

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from zsl_runner.config.saved import open_existing
from zsl_runner.errors import CheckpointError, ConfigError, RunError
from zsl_runner.runs.directory import LONGEST, create, made, slug_of

PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=40)


def test_readable_names():
    assert slug_of([], seed=0) == "seed-0"
    assert slug_of(["seed=4"], seed=4) == "seed-4"
    assert (
        slug_of(["trainer=em", "+model.latent_dim=32", "trainer.optim.lr=1e-3"], seed=2)
        == "em+latent_dim-32+lr-1e-3+seed-2"
    )
    assert slug_of(["evaluator=calibrated", "trainer=em"], seed=0) == "calibrated+em+seed-0"
    assert slug_of(["experiment=sgal/cub", "model.latent_dim=8"]) == "sgal_cub+latent_dim-8+seed-0"
    assert slug_of(["model.dropout=null"], seed=0) == "dropout-null+seed-0"
    assert slug_of(["~model.margin"], seed=0) == "no_model.margin+seed-0"


def test_keys_that_end_alike_are_told_apart():
    slug = slug_of(["trainer.encoder.lr=0.1", "trainer.prior.lr=0.2"], seed=0)
    assert slug == "encoder.lr-0.1+prior.lr-0.2+seed-0"


@pytest.mark.parametrize("given", [["experiment=cvae/cub", "experiment=sgal/cub"], ["experiment='sgal/cub'"]])
def test_the_experiment_that_is_in_force_is_named(given):
    assert slug_of(given) == "sgal_cub+seed-0"
    assert slug_of(given, name="first") == "first"
    assert slug_of(given, name="first", swept=["experiment"]) == "first+sgal_cub"


def test_a_chosen_name_takes_the_seed_only_when_the_seed_is_set():
    assert slug_of(["name=first", "model.latent_dim=3"], name="first", seed=0) == "first"
    assert slug_of(["name=first", "seed=3"], name="first", seed=3) == "first+seed-3"


@pytest.mark.parametrize(
    "override",
    [
        "model=sgal",
        "dataset=cub",
        "runtime=deterministic",
        "tracker=quiet",
        "tracker.log_every=1",
        "outputs=elsewhere",
        "task=train",
        "resume=there",
        "runtime.device=cuda:1",
        "dataset.root=/data",
        "checkpoint.every=3",
        "hydra/launcher=joblib",
        "hydra.verbose=true",
    ],
)
def test_what_cannot_change_the_numbers_is_left_out(override):
    assert slug_of([override, "trainer=em"], seed=1) == "em+seed-1"


@pytest.mark.parametrize(
    ("braces", "dotted"),
    [
        (["model={latent_dim: 8}"], ["model.latent_dim=8"]),
        (["model={prior: {hidden: null}, latent_dim: 8}"], ["model.prior.hidden=null", "model.latent_dim=8"]),
        (["trainer={batch_size: 8, optim: {lr: 1e-3}}"], ["trainer.batch_size=8", "trainer.optim.lr=0.001"]),
        (["model.margin={weight: 0.25, per_dim: true}"], ["model.margin.weight=0.25", "model.margin.per_dim=true"]),
        (["evaluator={every: 7, batch_size: 9}", "tracker={log_every: 3}"], ["evaluator.every=7"]),
        (["dataset={root: /data, scaling: minmax}"], ["dataset.scaling=minmax"]),
        (["model=sgal", "model={latent_dim: 8}", "model.latent_dim=9"], ["model.latent_dim=9"]),
    ],
)
def test_what_is_given_in_braces_is_named_like_what_is_given_key_by_key(braces, dotted):
    assert slug_of(braces) == slug_of(dotted)


def test_what_a_sweep_varies_in_braces_joins_a_chosen_name():
    given = ["name=first", "model={latent_dim: 8}", "trainer={batch_size: 4}"]
    assert slug_of(given, name="first", swept=["model"]) == "first+latent_dim-8"


def test_the_choice_of_a_part_is_named_beside_what_is_given_in_braces():
    assert slug_of(["trainer=em", "trainer={batch_size: 8}"]) == "em+batch_size-8+seed-0"
    assert slug_of(["trainer=em", "trainer={}"]) == "em+seed-0"


@given(st.lists(st.tuples(st.sampled_from(["a.b", "a.c", "d", "d.b"]), PRINTABLE), max_size=6), st.integers(0, 9))
def test_slugs_are_safe_short_and_independent_of_order(settings, seed):
    overrides = [f"{key}={value}" for key, value in dict(settings).items()]
    slug = slug_of(overrides, seed=seed)
    assert slug == slug_of(overrides[::-1], seed=seed)
    assert re.fullmatch(r"[A-Za-z0-9._+-]+", slug)
    assert slug[0] not in "._"
    assert len(slug) <= LONGEST


def test_cut_slugs_stay_apart():
    long = [[f"model.option_number_{index}=value" for index in range(20)] + [f"zz.last={last}"] for last in (1, 2)]
    slugs = [slug_of(overrides) for overrides in long]
    assert slugs[0] != slugs[1]
    assert all(len(slug) <= LONGEST for slug in slugs)
    assert slug_of(["model.layers=[1,2]"]) != slug_of(["model.layers=[12]"]) != slug_of(["model.layers=[1 2]"])


def test_the_path_of_a_run_needs_no_quoting_behind_resume(tmp_path):
    slug = slug_of(["trainer=em", "model.layers=[64,32]", "trainer.lr=-1e-3"], seed=0)
    path = f"outputs/sgal/digits/{slug}.2"
    override = OverridesParser.create().parse_override(f"resume={path}")
    assert override.value() == path
    assert not override.is_sweep_override()


def test_repeats_get_numbers(tmp_path):
    made = [create(tmp_path, "sgal", "cub", "em+seed-0") for _ in range(3)]
    assert [path.name for path in made] == ["em+seed-0", "em+seed-0.2", "em+seed-0.3"]
    assert made[0].parent == tmp_path / "sgal" / "cub"


def test_labels_cannot_leave_the_folder(tmp_path):
    made = create(tmp_path / "out", "../../evil", "a/b", "s")
    assert made.resolve().is_relative_to((tmp_path / "out").resolve())
    assert len(made.relative_to(tmp_path / "out").parts) == 3


def _create(arguments):
    return str(create(*arguments))


def test_processes_that_ask_at_once_get_different_directories(tmp_path):
    with get_context("fork").Pool(8) as pool:
        made = pool.map(_create, [(tmp_path, "m", "d", "s")] * 40, chunksize=1)
    assert len(set(made)) == 40


@pytest.mark.parametrize(
    ("number", "kind", "remedy"),
    [(errno.ENOENT, ConfigError, "outputs=DIR"), (errno.ENOSPC, RunError, "free disk space")],
)
def test_a_folder_that_cannot_be_made_is_another_failure_than_a_full_disk(tmp_path, monkeypatch, number, kind, remedy):
    def refusing(*_):
        raise OSError(number, "refused")

    monkeypatch.setattr(os, "mkdir", refusing)
    with pytest.raises(RunError, match=f"x: cannot be created: refused; .*{remedy}$") as caught:
        made(tmp_path / "x")
    assert type(caught.value) is kind


def test_opening_runs(tmp_path):
    run = create(tmp_path, "sgal", "cub", "s")
    with pytest.raises(CheckpointError, match=r"expected a run directory with config\.yaml, found none"):
        open_existing(run)
    (run / "config.yaml").write_text("seed: 0\n")
    assert open_existing(run) == run.resolve()
    with pytest.raises(CheckpointError, match=f"did you mean {re.escape(str(run))}"):
        open_existing(tmp_path)
    with pytest.raises(CheckpointError, match="no such run directory"):
        open_existing(tmp_path / "absent")
    (create(tmp_path, "sgal", "cub", "seed-0") / "config.yaml").write_text("seed: 0\n")
    with pytest.raises(CheckpointError, match=r"no such run directory; did you mean seed-0\?"):
        open_existing(run.with_name("seed-O"))
    with pytest.raises(CheckpointError, match="found a file"):
        open_existing(run / "config.yaml")

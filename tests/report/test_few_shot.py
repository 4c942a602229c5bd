"""Runs with labelled rows of unseen classes: a table for each number of rows, one figure over them."""

import json

import pytest

from zsl_runner.report.cli import main
from zsl_runner.report.collect import collect
from zsl_runner.report.formats import markdown
from zsl_runner.report.groups import groups_of
from zsl_runner.report.plots.command import pictures
from zsl_runner.report.plots.few_shot import KEY, materials_along
from zsl_runner.report.plots.material import families


def setting(shots, name="", prior="uniform"):
    kind = name or "inductive"
    if shots:
        rows = f"{shots} labelled row{'s' if shots > 1 else ''} of each unseen class"
        kind = f"{name} few-shot, {rows}".strip()
    return {"kind": kind, "class_prior": prior}


def add(outputs, h, shots, seed=0, model="sgal", config=None, **named):
    measured = {"metrics": {"test/H": h, "test/T1": h + 10}, "validation": {"val/H": h + 3}}
    changes = {"setting": setting(shots, **named), "config_hash": f"{model}-{config}-{shots}-{seed}"}
    directory = outputs.add(None, seed, model, config, **measured, **changes)
    content = json.loads((directory / "config.yaml").read_text())
    content["dataset"] = {"name": "cub", "holdout_seed": 0, "shots": shots, "shots_seed": seed}
    (directory / "config.yaml").write_text(json.dumps(content))


@pytest.fixture
def runs(outputs):
    for shots in (0, 1, 5, 10):
        for seed in (0, 1):
            add(outputs, 20.0 + shots + seed, shots, seed)
            add(outputs, 30.0 + shots + seed, shots, seed, model="vzsl")
    return outputs


def test_each_number_of_rows_has_a_table_and_seeds_of_the_draw_are_repetitions(runs):
    text = markdown(runs.report())
    headings = [line.split(". ")[0] for line in text.splitlines() if line.startswith("**")]
    rows = ["1 labelled row", "5 labelled rows", "10 labelled rows"]
    assert headings == [*(f"**cub**, few-shot, {each} of each unseen class" for each in rows), "**cub**, inductive"]
    assert text.count("| 2 | 1:00 |") == 8
    assert "**cub**, few-shot, 5 labelled rows of each unseen class. Features: fc1000. Side information: att." in text


def test_one_figure_is_drawn_along_them(runs):
    (material,) = materials_along(groups_of(collect([runs.folder]).runs), ())
    assert material.heading == "cub, few-shot"
    found = {family.name: family for family in families(material)}
    assert set(found) == {"sgal", "vzsl"}
    for start, family in ((20, found["sgal"]), (30, found["vzsl"])):
        assert family.keys == (KEY,)
        assert family.values(KEY) == [0, 1, 5, 10]
        ((_, line),) = family.lines(KEY).items()
        assert [group.average("test/H").mean for group in line] == [start + shots + 0.5 for shots in (0, 1, 5, 10)]
        assert [len(group.runs) for group in line] == [2] * 4
    drawn = [(picture.material.name, picture.name) for picture in pictures(collect([runs.folder]))]
    assert drawn.count(("cub-few-shot", f"against-{KEY}")) == 1
    assert not [name for name, _ in drawn[:-1] if name == "cub-few-shot"]


def test_other_settings_are_drawn_within_a_number_alone(outputs):
    for shots in (1, 5):
        for width in (8, 16):
            add(outputs, 20.0 + shots + width, shots, config={"latent_dim": width})
    drawn = [(picture.material.name, picture.name) for picture in pictures(collect([outputs.folder]))]
    assert [name for material, name in drawn if material == "cub-few-shot"] == [f"against-{KEY}"]
    assert sum(name == "against-model.latent_dim" for _, name in drawn) == 2


def test_one_number_alone_makes_no_such_figure(outputs):
    add(outputs, 20.0, 5)
    add(outputs, 30.0, 5, model="vzsl")
    assert materials_along(groups_of(collect([outputs.folder]).runs), ()) == []


def test_settings_that_differ_in_more_than_the_number_are_apart(outputs):
    for shots in (0, 5):
        add(outputs, 20.0, shots)
        add(outputs, 40.0, shots, name="transductive", prior="cpe")
        add(outputs, 50.0, shots, name="transductive", prior="known")
    found = materials_along(groups_of(collect([outputs.folder]).runs), ())
    named = {material.heading: len(material.groups) for material in found}
    several = ["few-shot", "transductive few-shot", "transductive few-shot, known class prior"]
    assert named == {f"cub, {name}": 2 for name in several}


def test_rows_of_transductive_few_shot_tables_name_their_class_priors(outputs):
    add(outputs, 40.0, 5, name="transductive", prior="cpe")
    assert "| sgal | em | class_prior=cpe | last |" in markdown(outputs.report())
    add(outputs, 40.0, 5, name="transductive", prior="known", model="vzsl")
    assert "| vzsl | em | last |" in markdown(outputs.report())


def test_the_page_has_the_figure_after_the_tables(runs, tmp_path):
    assert main([str(runs.folder), "--html", str(tmp_path / "page")]) == 0
    page = (tmp_path / "page" / "report.html").read_text()
    assert page.count("<h2>Over several tables</h2>") == 1
    assert page.index("cub, few-shot: against-dataset.shots.") > page.index("<h2>Over several tables</h2>")

"""Figures over runs: what is drawn, from which numbers, and that nothing is drawn of what does not compare."""

import json
import math

import numpy as np
import pytest
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure

from tests.outputs import REAL
from zsl_runner.errors import RunError
from zsl_runner.report.cli import main
from zsl_runner.report.collect import collect
from zsl_runner.report.plots.command import figures, plot
from zsl_runner.report.plots.curves import Curve, curves_of, validation_curves
from zsl_runner.report.plots.frame import scale_x
from zsl_runner.report.plots.material import Material, families, is_logarithmic, plain
from zsl_runner.report.plots.parameter import parameter
from zsl_runner.report.plots.search import Scale, parallel, scatter
from zsl_runner.report.plots.trade_off import seen_unseen
from zsl_runner.tracking.table import Table


def add(outputs, h, seed=0, model="sgal", config=None, curve=(), **changes):
    metrics = {"test/H": h, "test/U": h - 5, "test/S": h + 7, "test/T1": h + 10}
    values = {"metrics": metrics, "validation": {"val/H": h + 3, "val/T1": h + 12}}
    values["selection"] = {"mode": "last", "metric": "val/H"}
    directory = outputs.add(None, seed, model, config, **(values | changes))
    if curve:
        table = Table(directory)
        for step, value in enumerate(curve, start=1):
            table.scalars(10 * step, {"kl": value, "val/H": 30 + value}, "tune", "em")
        table.close()
    return directory


def texts(figure):
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        found += [text.get_text() for text in axes.texts]
    return found


@pytest.fixture
def grid(outputs):
    for seed in (0, 1):
        for dim in (8, 16, 32):
            for weight in (0.1, 1.0):
                add(outputs, 40 + dim / 8 + weight + 2 * seed, seed, config={"latent_dim": dim, "weight": weight})
    return outputs


def test_dollars_in_facts_are_no_formula(outputs):
    add(outputs, 40.0, data=REAL | {"feature_kind": r"$\foo$"})
    heading, facts = texts(seen_unseen(outputs.material()))[:2]
    assert r"\foo" in facts
    assert not is_math_text(heading + facts)


def test_a_grid_is_drawn_against_each_parameter(grid):
    material = grid.material()
    (family,) = families(material)
    assert not family.is_search
    assert family.keys == ("model.latent_dim", "model.weight")
    figure = parameter(material, [family], "model.latent_dim")
    accuracy, t1 = figure.axes
    assert (accuracy.get_xlabel(), accuracy.get_ylabel(), t1.get_ylabel()) == (
        "model.latent_dim",
        "H, per cent",
        "T1, per cent",
    )
    lines = {line.get_label(): line for line in accuracy.lines if line.get_label().startswith("sgal")}
    assert set(lines) == {"sgal, weight=0.1", "sgal, weight=1.0"}
    np.testing.assert_array_equal(lines["sgal, weight=1.0"].get_xdata(), [8, 16, 32])
    np.testing.assert_allclose(lines["sgal, weight=1.0"].get_ydata(), [43.0, 44.0, 46.0])  # means over two seeds
    band = accuracy.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() - band.min() == pytest.approx(3 + 2 * math.sqrt(2))  # from 41.1 + 1 - sd to 45.1 + sd
    dashed = [line for line in accuracy.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    np.testing.assert_allclose(dashed[-1].get_ydata(), [46.0, 47.0, 49.0])  # validation
    assert {line.get_markerfacecolor() for line in dashed} == {
        "white"
    }  # told from test rows also where it is one point
    assert "mean and one standard deviation over 2 seeds" in "\n".join(texts(figure))


@pytest.mark.parametrize(
    ("swept", "scale"),
    [
        ([0, 1e6, 1e7, 1e8, 1e9], "symlog"),
        ([1e6, 1e7, 1e8, 1e9], "log"),
        ([0, 1, 2, 3], "linear"),
        ([-1, 1, 10, 1000], "linear"),
    ],
)
def test_a_zero_before_powers_of_ten_stands_a_decade_below_them(swept, scale):
    axes = Figure().subplots()
    axes.plot(swept, swept)
    scale_x(axes, swept)
    assert axes.get_xscale() == scale
    assert axes.get_xticks().tolist() == swept
    if scale == "symlog":
        places = axes.transData.transform([(value, 0) for value in swept])[:, 0]
        np.testing.assert_allclose(np.diff(places), np.diff(places)[0], rtol=0.15)


def test_words_stand_side_by_side_without_a_line(outputs):
    for seed in (0, 1):
        for prior in ("uniform", "cpe", None):
            add(outputs, 40.0 + len(str(prior)) + seed, seed, config={"prior": prior})
    material = outputs.material(["test/H"])
    (axes,) = parameter(material, families(material), "model.prior").axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["cpe", "null", "uniform"]
    assert all(line.get_linestyle() == "None" for line in axes.lines)


def test_many_lines_are_spread_over_figures(outputs):
    for model in ("sgal", "vzsl"):
        for dim in (8, 16, 32, 64):
            for depth in (1, 2):
                add(outputs, 40.0 + dim / 8, model=model, config={"latent_dim": dim, "depth": depth})
    names = [name for name, _ in figures(outputs.material())]
    assert names == [
        "against-model.depth-sgal",
        "against-model.depth-vzsl",
        "against-model.latent_dim",
        "seen-unseen",
    ]


@pytest.fixture
def searched(outputs):
    draws = np.random.default_rng(0)
    for number in range(12):
        config = {
            "lr": float(10 ** draws.uniform(-5, 0)),
            "ratio": float(draws.uniform(0.05, 1)),
            "kind": "ab"[number % 2],
        }
        add(outputs, 40.0 + (number * 5) % 12, config=config, started=f"2026-01-01T00:00:{number:02d}")
    return outputs


def test_a_search_is_drawn_as_parallel_coordinates_and_scatter(searched):
    material = searched.material()
    (family,) = families(material)
    assert family.is_search
    assert [name for name, _ in figures(material)] == ["parallel-sgal", "scatter-sgal", "seen-unseen"]
    figure = parallel(material, family)
    (axes,) = figure.axes
    assert len(axes.collections[0].get_segments()) == 11  # and the best one apart
    assert {"lr", "ratio", "kind", "val H, per cent", "a", "b"} <= set(texts(figure))
    assert any("the best one in orange: val H 54.0 per cent at" in text for text in texts(figure))
    figure = scatter(material, family)
    axes = {axes.get_xlabel(): axes for axes in figure.axes}
    assert (axes["model.lr"].get_xscale(), axes["model.ratio"].get_xscale()) == ("log", "linear")
    points, ring = axes["model.lr"].collections
    assert len(points.get_offsets()) == 12
    assert ring.get_offsets()[0][1] == 54.0
    assert sorted(points.get_array()) == list(range(1, 13))  # the order of the runs


def test_a_search_along_one_key_is_drawn_as_one_and_what_came_of_it_is_left_out(outputs):
    for number, lr in enumerate((0.3, 0.013, 0.07, 0.002)):
        add(outputs, 40.0 + number, config={"lr": lr, "stages": "[tune]"}, study="tpe-1")
    for seed in range(2):
        add(outputs, 42.0, seed, config={"lr": 0.002, "stages": "[tune, final]"})
    material = outputs.material()
    (family,) = families(material)
    assert (family.name, family.keys, len(family.groups)) == ("sgal, tpe-1", ("model.lr",), 4)
    assert [name for name, _ in figures(material)] == ["parallel-sgal, tpe-1", "scatter-sgal, tpe-1", "seen-unseen"]
    assert [axes.get_xlabel() for axes in scatter(material, family).axes] == ["model.lr", ""]


@pytest.mark.parametrize("study", ["", None])
def test_a_large_grid_that_no_search_started_is_drawn_as_settings(outputs, study):
    for number in range(27):
        config = {"lr": 0.1 ** (number % 3), "ratio": number // 3 % 3, "depth": number // 9}
        add(outputs, 40.0 + number, config=config, study=study)
    material = outputs.material()
    (family,) = families(material)
    assert [name for name, _ in figures(material)] == ["parallel-sgal", "scatter-sgal", "seen-unseen"]
    heading = "search of sgal" if study is None else "settings of sgal"
    assert all(heading in "\n".join(texts(draw(material, family))) for draw in (parallel, scatter))


def test_settings_changed_one_at_a_time_are_drawn_against_each_parameter(outputs):
    for config in ({}, {"dim": 8}, {"dim": 32}, {"lr": 0.1}, {"lr": 0.001}):
        add(outputs, 40.0, config={"dim": 16, "lr": 0.01} | config, study="")
    names = [name for name, _ in figures(outputs.material())]
    assert names == ["against-model.dim", "against-model.lr", "seen-unseen"]


def test_settings_that_differ_in_several_parameters_are_drawn_against_none(outputs):
    for dim, lr in ((8, 0.1), (16, 0.01)):
        add(outputs, 40.0 + dim, config={"dim": dim, "lr": lr}, study="")
    assert [name for name, _ in figures(outputs.material())] == ["seen-unseen"]


def test_of_equally_good_settings_figure_and_table_name_the_same(outputs):
    for lr in (0.123456789, 0.3, 0.7):
        add(outputs, 40.0, config={"lr": lr}, study="tpe-1")
    material = outputs.material()
    (family,) = families(material)
    (row,) = outputs.report().blocks[0].rows
    assert row.varied == "lr=0.1235 (best val H of 3)"
    assert any("val H 43.0 per cent at lr=0.123" in text for text in texts(parallel(material, family)))
    assert "0.1235" in texts(parallel(material, family))  # an axis shows no more digits than tell values apart


def test_the_best_is_the_lowest_where_lower_is_better(searched):
    quantities = {"H": {"unit": "nats", "lower_is_better": True, "digits": 2}}
    for path in searched.folder.rglob("result.json"):
        content = json.loads(path.read_text()) | {"quantities": quantities}
        path.write_text(json.dumps(content))
    material = searched.material()
    (family,) = families(material)
    assert any("val H 43.00 nats at" in text for text in texts(parallel(material, family)))


def test_scales_of_parallel_coordinates():
    words = Scale(["b", "a", "b"])
    assert words.heights == [1.0, 0.0, 1.0]
    assert words.ticks() == [(0.0, "a"), (1.0, "b")]
    decades = Scale([1e-3, 1e-2, 1e-1])
    assert decades.heights == pytest.approx([0.0, 0.5, 1.0])
    assert [text for _, text in decades.ticks()] == ["0.001", "0.003", "0.01", "0.03", "0.1"]
    assert Scale([7, 7]).heights == [0.5, 0.5]
    assert not is_logarithmic(["a"])
    assert plain([1, 2]) == "[1, 2]"


def test_seen_and_unseen_with_seeds_and_calibration(outputs):
    for seed in (0, 1, 2):
        add(outputs, 40.0 + seed, seed)
        add(outputs, 50.0 + seed, seed, model="vzsl")
    calibrated = {"test/U": 30.0, "test/S": 60.0, "test/U_cal": 41.0, "test/S_cal": 45.0}
    add(outputs, 0.0, model="eszsl", metrics=calibrated)
    figure = seen_unseen(outputs.material())
    (axes,) = figure.axes
    assert [container.get_label() for container in axes.containers] == ["eszsl", "_nolegend_", "sgal", "vzsl"]
    marks = [container.lines[0].get_xydata()[0].tolist() for container in axes.containers]
    assert marks == [[60.0, 30.0], [45.0, 41.0], [48.0, 36.0], [58.0, 46.0]]
    assert axes.containers[1].lines[0].get_markerfacecolor() == "white"
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert low < 45 < 60 < high
    assert bottom < 30 < 47 < top
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["eszsl", "sgal", "vzsl", "as trained", "calibrated on validation classes"] or set(labels) == {
        "eszsl",
        "sgal",
        "vzsl",
        "as trained",
        "calibrated on validation classes",
    }


def test_curves_are_means_and_deviations_at_each_step(outputs):
    add(outputs, 40.0, 0, curve=(4.0, 2.0, 1.0))
    add(outputs, 41.0, 1, curve=(2.0, 2.0))
    torn = add(outputs, 42.0, 2)
    (torn / "metrics.csv").write_text("step,stage,phase,tag,value\nnonsense\n1,tune,em,kl,1\n")
    material = outputs.material()
    found = curves_of(material.groups[0])
    assert found["tune/em/kl"].steps == [10, 20, 30]
    assert found["tune/em/kl"].means == [3.0, 2.0, 1.0]
    assert found["tune/em/kl"].spreads == [pytest.approx(math.sqrt(2)), 0.0, 0.0]
    drawn = dict(figures(material))
    assert set(drawn) == {"seen-unseen", "validation", "curves-sgal"}
    (axes,) = drawn["validation"].axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [33.0, 32.0, 31.0])
    assert [axes.get_title(loc="left") for axes in drawn["curves-sgal"].axes] == ["tune/em", "validation"]


@pytest.mark.parametrize(
    ("asked", "measured", "expected"),
    [
        (("test/d", "test/b"), "abcdef", "db"),
        (("oracle/z",), "abcdef", "fabc"),
        ((), "abcdef", "fabc"),
        ((), ("H", "a"), ("H",)),
        (("test/a",), ("H", "a"), ("a",)),
    ],
)
def test_validation_curves_are_of_what_was_asked_for_or_selects(outputs, asked, measured, expected):
    add(outputs, 40.0, selection={"mode": "last", "metric": "val/f"}, metrics={"test/f": 1.0})
    (selected,) = outputs.material().groups
    curves = {f"val/{name}": Curve([1, 2], [1.0, 2.0], [0.0, 0.0]) for name in measured}
    figure = validation_curves(Material("block", (selected,), asked), [selected], [curves], "")
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(expected)


def test_what_goes_on_over_phases_is_one_curve(outputs):
    directory = add(outputs, 40.0)
    table = Table(directory)
    for step, phase in ((10, "inductive"), (20, "transductive"), (30, "transductive")):
        table.scalars(step, {"distance/critic": float(step)}, "final", phase)
    table.close()
    (axes,) = dict(figures(outputs.material()))["curves-sgal"].axes
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [10, 20, 30])


def test_what_does_not_compare_shares_no_figure(outputs, tmp_path):
    add(outputs, 40.0)
    add(outputs, 45.0, 1, data=REAL | {"feature_kind": "res101"})
    add(outputs, 46.0, 2, setting={"kind": "transductive", "class_prior": "known"})
    add(outputs, 99.0, 3, debug={"steps": 2})
    add(outputs, 99.0, 4, status="failed")
    written = plot(collect([outputs.folder]), tmp_path / "plots")
    assert [path.name for path in written] == [
        "cub-inductive-seen-unseen.png",
        "cub-transductive-known-class-prior-seen-unseen.png",
        "cub-inductive-2-seen-unseen.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_of_many_groups_only_those_are_called_the_best_that_one_metric_ranks(outputs):
    for number in range(4):
        add(outputs, 40.0 + number, model=f"m{number}")
    add(outputs, 90.0, model="a", validation={})
    groups, note = outputs.material().best(2)
    assert ([group.traits["model"] for group in groups], note) == (
        ["m2", "m3"],
        "the best 2 of 4 groups by val H, 1 without it left out",
    )
    groups, note = outputs.material().best(4)
    assert [group.traits["model"] for group in groups] == ["m0", "m1", "m2", "m3"]
    add(outputs, 91.0, model="z", validation={"val/T1": 99.0}, selection={"metric": "val/T1"})
    groups, note = outputs.material().best(2)
    assert note == "2 of 6 groups, which not all can be ranked by one metric"
    groups, note = outputs.material(["val/H"]).best(5)
    assert [group.traits["model"] for group in groups] == ["a", "m0", "m1", "m2", "m3"]
    assert note == "5 of 6 groups, which not all can be ranked by one metric"
    assert outputs.material(["val/H"]).best(2)[1] == "the best 2 of 4 groups by val H, 2 without it left out"


def test_a_search_is_drawn_by_the_metric_it_was_selected_by(outputs):
    add(outputs, 40.0, model="a")
    for number in range(3):
        validation = {"val/H": 50.0 - number, "val/T1": 60.0 + number}
        selection = {"metric": "val/T1"}
        add(outputs, 40.0, config={"lr": number}, study="tpe-1", validation=validation, selection=selection)
    material = outputs.material()
    (family,) = families(material)
    assert any("val T1 62.0 per cent at lr=2" in text for text in texts(parallel(material, family)))
    assert [row.varied for row in outputs.report().blocks[0].rows] == ["", "lr=2 (best val T1 of 3)"]


def test_a_data_set_of_a_long_name_has_figures(outputs, tmp_path):
    for number in (1, 2):
        add(outputs, 40.0, number, dataset=f"{'cub' * 80}{number}")
    written = plot(collect([outputs.folder]), tmp_path / "plots")
    assert [path.is_file() for path in dict.fromkeys(written)] == [True, True]


def test_every_figure_has_a_file_of_its_own(outputs, tmp_path):
    long = {name: [1024, 1024, 512] for name in ("encoder_hidden", "decoder_hidden", "prior_hidden")}
    for place, weight in enumerate((0.1, 0.2)):  # the last of many keys, so that long names begin alike
        for depth in (1, 2):
            config = {name: [*sizes, depth] for name, sizes in long.items()} | {"weight": weight}
            add(outputs, 40.0 + place, config=config, study="", curve=(3.0, 2.0))
    for kind in ("a+b", "a b", "a=b", "A=b"):
        add(outputs, 40.0, model="vzsl", config={"kind_of": kind}, curve=(3.0, 2.0))
    findings = collect([outputs.folder])
    written = plot(findings, tmp_path / "plots")
    names = [path.name for path in written]
    assert len({name.lower() for name in names}) == len(names) == len(list((tmp_path / "plots").iterdir()))
    assert sum("-curves-" in name for name in names) == 6
    assert max(map(len, names)) < 200
    assert plot(findings, tmp_path / "plots") == written


def test_the_command_writes_files_and_refuses_what_it_cannot_draw(grid, tmp_path, capsys):
    folder = tmp_path / "figures"
    assert main([str(grid.folder), "--plot", str(folder), "--metric", "T1"]) == 0
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "cub-inductive-against-model.latent_dim.png",
        "cub-inductive-against-model.weight.png",
        "cub-inductive-seen-unseen.png",
    }
    assert capsys.readouterr().out.split() == sorted(str(folder / name) for name in names)
    assert main([str(grid.folder), "--plot", str(folder), "--metric", "NCLL"]) == 2
    assert "no complete run has test/NCLL" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main([str(grid.folder), "--plot", str(tmp_path / "file" / "x")]) == 2
    assert "file is a file; expected a folder" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([str(grid.folder), "--plot", str(folder), "--baseline", "sgal"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RunError, match="no complete run"):
        plot(collect([empty]), folder)


def test_an_option_that_earlier_runs_lack_is_no_axis(outputs):
    for h, dim in ((40.0, 8), (42.0, 16)):
        outputs.add(h, config={"latent_dim": dim})
    for h, dim in ((41.0, 8), (43.0, 16)):
        outputs.add(h, config={"latent_dim": dim, "added_since": 1.5})
    (family,) = families(outputs.material())
    assert family.keys == ("model.latent_dim",)
    assert list(family.lines("model.latent_dim")) == ["model.added_since=null", "model.added_since=1.5"]


def test_runs_that_differ_in_such_an_option_alone_are_no_sweep(outputs):
    outputs.add(40.0, config={"latent_dim": 8})
    outputs.add(41.0, config={"latent_dim": 8, "added_since": 1.5})
    assert families(outputs.material()) == []

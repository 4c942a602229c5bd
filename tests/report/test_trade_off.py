"""Two metrics against each other along a swept key, and tables as heat maps."""

import math

import numpy as np
import pytest

from zsl_runner.report.collect import collect
from zsl_runner.report.groups import groups_of
from zsl_runner.report.plots.command import figures
from zsl_runner.report.plots.material import families
from zsl_runner.report.plots.tables import mean_table, tables
from zsl_runner.report.plots.trade_off import MOST_ALONE, PAIRS, name_of, pairs, trade_off

TAW = PAIRS[0]
KEY = "model.auxiliary_weight"


def add(outputs, seed, stability, plasticity, model="a_ewc", config=None, **changes):
    metrics = {"test/stability_taw": stability, "test/plasticity_taw": plasticity, "test/distance_old": 0.5}
    outputs.add(None, seed, model, config, metrics=metrics, **changes)


@pytest.fixture
def sweep(outputs):
    for seed in (0, 1):
        for place, weight in enumerate((10.0, 0.1, 1.0)):
            stability, plasticity = ((60, 98), (90, 70), (85, 92))[place]
            add(outputs, seed, stability + 2 * seed, plasticity - 4 * seed, config={"auxiliary_weight": weight})
        add(outputs, seed, 91 + seed, 66, model="ewc")
    return outputs


def test_means_are_joined_in_the_order_of_the_key(sweep):
    material = sweep.material()
    (family,) = families(material)
    (axes,) = trade_off(material, [family], KEY, TAW).axes
    line, square = (container.lines[0] for container in axes.containers)
    np.testing.assert_allclose(line.get_xydata(), [[91, 68], [86, 90], [61, 96]])
    assert [text.get_text() for text in axes.texts] == ["0.1", "1", "10"]
    assert [tuple(text.xy) for text in axes.texts] == [(91, 68), (86, 90), (61, 96)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("stability_taw, per cent", "plasticity_taw, per cent")
    np.testing.assert_allclose(square.get_xydata(), [[91.5, 66]])
    assert [container.get_label() for container in axes.containers] == ["a_ewc", "ewc"]


def test_bars_are_standard_deviations_over_seeds(sweep):
    material = sweep.material()
    (axes,) = trade_off(material, families(material), KEY, TAW).axes
    across, up = axes.containers[0].lines[2]
    for bars, axis, deviation in ((across, 0, math.sqrt(2)), (up, 1, math.sqrt(8))):
        lengths = [abs(segment[1, axis] - segment[0, axis]) for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, 2 * deviation)


def test_each_other_setting_has_its_line(outputs):
    for weight in (0.1, 1.0):
        for width in (8, 16):
            config = {"auxiliary_weight": weight, "width": width}
            add(outputs, 0, 80 + weight, 70 + width, config=config)
    material = outputs.material()
    (axes,) = trade_off(material, families(material), KEY, TAW).axes
    assert [container.get_label() for container in axes.containers] == ["a_ewc, width=8", "a_ewc, width=16"]


def test_the_command_draws_it_for_runs_that_have_both_or_for_two_metrics_asked_for(sweep):
    assert f"stability_taw-plasticity_taw-along-{KEY}" in dict(figures(sweep.material()))
    asked = ("test/distance_old", "test/plasticity_taw")
    names = list(dict(figures(sweep.material(asked))))
    assert f"distance_old-plasticity_taw-along-{KEY}" in names
    assert not [name for name in names if name.startswith("stability")]
    assert pairs(sweep.material(asked[:1])) == []
    assert pairs(sweep.material(("test/distance_old", "test/NCLL"))) == []


def test_runs_without_them_have_no_such_figure(outputs):
    for dim in (8, 16):
        outputs.add(50.0, 0, "sgal", {"latent_dim": dim})
    assert not [name for name in dict(figures(outputs.material())) if "along" in name]


def test_many_groups_without_the_key_are_left_out_and_told(sweep):
    for place in range(MOST_ALONE):
        add(sweep, 0, 50, 50, model=f"other{place}")
    material = sweep.material()
    figure = trade_off(material, families(material), KEY, TAW)
    assert len(figure.axes[0].containers) == 1
    told = " ".join(text.get_text().replace("\n", " ") for text in figure.texts)
    assert f"{MOST_ALONE + 1} groups without this parameter are left out" in told


def test_names_of_pairs():
    assert [name_of(pair) for pair in PAIRS] == ["stability_taw-plasticity_taw", "stability_tag-plasticity_tag"]


def table(*values):
    labels = [f"task {task + 1}" for task in range(len(values))]
    return {"rows": labels, "columns": labels, "values": [list(line) for line in values]}


def test_tables_are_means_over_seeds_on_one_scale(outputs):
    for seed, first in enumerate((90.0, 80.0)):
        add(outputs, seed, 1, 1, tables={"acc_taw": table((first, None), (50.0, 70.0))})
        add(outputs, seed, 1, 1, model="ewc", tables={"acc_taw": table((95.0, None), (60.0, 40.0))})
    ((name, figure),) = tables(outputs.material())
    assert name == "table-acc_taw"
    panels = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title(loc="left") for axes in panels] == ["a_ewc", "ewc"]
    np.testing.assert_array_equal(panels[0].images[0].get_array().filled(np.nan), [[85, np.nan], [50, 70]])
    assert {axes.images[0].get_clim() for axes in panels} == {(0.0, 95.0)}
    assert sorted(text.get_text() for text in panels[0].texts) == ["50.0", "70.0", "85.0"]


def test_tables_that_do_not_agree_are_not_averaged(outputs):
    add(outputs, 0, 1, 1, tables={"acc_taw": table((90.0, None), (50.0, 70.0))})
    add(outputs, 1, 1, 1, tables={"acc_taw": table((90.0,))})
    (group,) = groups_of(collect([outputs.folder]).runs)
    assert mean_table(group, "acc_taw") is None
    assert list(tables(outputs.material())) == []


def test_a_run_without_the_table_leaves_it_out(outputs):
    add(outputs, 0, 1, 1, tables={"acc_taw": table((90.0,))})
    add(outputs, 1, 1, 1)
    assert list(tables(outputs.material())) == []


def test_the_means_over_tasks_are_among_the_columns(outputs):
    metrics = {"test/S": 50.0, "test/mS": 60.0, "test/mU": 30.0, "test/mH": 40.0, "test/forg_tag": 8.0}
    outputs.add(None, metrics=metrics | {"test/avg_acc_tag": 1.0})
    (block,) = outputs.report().blocks
    assert list(block.quantities) == ["test/S", "test/mU", "test/mS", "test/mH", "test/forg_tag"]


def test_images_in_tasks_have_all_their_metrics_as_columns(outputs):
    metrics = {"test/avg_acc_taw": 90.0, "test/avg_acc_tag": 40.0, "test/forg_tag": 8.0}
    outputs.add(None, metrics=metrics)
    (block,) = outputs.report().blocks
    assert list(block.quantities) == list(metrics)


def test_tables_are_no_columns(outputs):
    add(outputs, 0, 1, 1, tables={"acc_taw": table((90.0,))})
    (block,) = outputs.report().blocks
    assert list(block.quantities) == ["test/stability_taw", "test/plasticity_taw", "test/distance_old"]


@pytest.mark.parametrize("tasks", [1, 5, 20])
def test_any_number_of_tasks(outputs, tasks):
    values = [[100.0 if column <= line else None for column in range(tasks)] for line in range(tasks)]
    add(outputs, 0, 1, 1, tables={"acc_taw": table(*values)})
    ((_, figure),) = tables(outputs.material())
    numbers = [text for axes in figure.axes for text in axes.texts]
    assert len(numbers) == (tasks * (tasks + 1) // 2 if tasks <= 12 else 0)

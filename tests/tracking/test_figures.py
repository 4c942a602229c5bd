import sys
import warnings

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.cbook import is_math_text
from matplotlib.colors import to_rgba_array
from matplotlib.patches import Ellipse
from matplotlib.text import Text
from sklearn.metrics import auc

from zsl_runner.tracking import pictures
from zsl_runner.tracking.figures.codes import latent_scatter
from zsl_runner.tracking.figures.confusion import confusion, shares, shares_of_groups
from zsl_runner.tracking.figures.generated_features import evenly, real_against_generated
from zsl_runner.tracking.figures.latent_space import principal_plane, priors_against_encodings
from zsl_runner.tracking.figures.learning_curves import learning_curves
from zsl_runner.tracking.figures.one_image import sheet
from zsl_runner.tracking.figures.stacking_curve import Mark, stacking_curve
from zsl_runner.tracking.figures.style import class_colours, shorts
from zsl_runner.tracking.figures.transduction import before_and_after, class_prior_bars
from zsl_runner.tracking.pictures import card, png, still
from zsl_runner.tracking.table import Row


def clusters(classes, rows, width=8):
    generator = np.random.default_rng(0)
    means = 5 * generator.normal(size=(classes, width))
    labels = np.repeat(np.arange(classes), rows)
    return means[labels] + generator.normal(size=(len(labels), width)), labels, means


def test_shares_are_normalised_by_class():
    matrix = shares(np.array([3, 3, 3, 3, 5]), np.array([3, 3, 3, 5, 3]), np.array([5, 3, 7]))
    np.testing.assert_allclose(matrix[:2], [[0, 100, 0], [25, 75, 0]])
    assert np.isnan(matrix[2]).all()


@pytest.mark.parametrize(("seen", "unseen", "named"), [(7, 3, True), (40, 10, True), (150, 50, False)])
def test_confusion_marks_the_blocks_and_stays_readable(seen, unseen, named):
    classes = seen + unseen
    labels = np.repeat(np.arange(classes), 2)
    predictions = np.where(labels % 4 == 3, 0, labels)
    figure = confusion(labels, predictions, np.arange(seen), np.arange(seen, classes), tuple(map(str, range(classes))))
    axes = figure.axes[0]
    assert axes.get_xlabel() == "predicted"
    assert axes.get_ylabel() == "true"
    assert axes.images[0].get_array().shape == (classes, classes)
    assert {line.get_xdata()[0] for line in axes.lines} | {line.get_ydata()[0] for line in axes.lines} >= {seen - 0.5}
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert ticks == [str(index) for index in range(classes)] if named else [f"{seen} seen", f"{unseen} unseen"]
    assert len(axes.texts) == (np.count_nonzero(axes.images[0].get_array()) if classes <= 20 else 0)


def test_cells_that_classes_share_are_means_of_lines_and_sums_of_columns():
    classes, groups = np.array([5, 3, 7, 1, 2]), np.array([0, 0, 1, 1, 2])
    generator = np.random.default_rng(0)
    labels, predictions = classes[generator.integers(0, 4, 60)], classes[generator.integers(0, 5, 60)]
    every = shares(labels, predictions, classes)
    found = shares_of_groups(labels, predictions, classes, groups)
    lines = np.stack([every[:2].mean(0), every[2:4].mean(0), every[4]])
    expected = np.stack([lines[:, :2].sum(1), lines[:, 2:4].sum(1), lines[:, 4]], 1)
    np.testing.assert_allclose(found, expected)
    assert np.isnan(found[2]).all()


def test_of_thousands_of_classes_some_share_a_cell():
    """A cell for each pair took gigabytes, and of the diagonal not a point was on the picture."""
    seen, unseen = 1700, 401
    labels = np.repeat(np.arange(seen + unseen), 2)
    predictions = np.where(labels % 2, labels, 0)
    names = tuple(map(str, range(seen + unseen)))
    figure = confusion(labels, predictions, np.arange(seen), np.arange(seen, seen + unseen), names)
    axes, matrix = figure.axes[0], figure.axes[0].images[0].get_array()
    assert matrix.shape == (567 + 134, 567 + 134)
    np.testing.assert_allclose(matrix.sum(1), 100)
    assert (np.diagonal(matrix) > 30).all()
    assert axes.get_xlabel() == "predicted, 3 classes in a cell"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [f"{seen} seen", f"{unseen} unseen"]
    assert list(axes.get_xticks()) == [283, 633.5]
    assert axes.lines[0].get_ydata()[0] == 566.5
    assert "unseen: 49.9% right, 50.1% taken for seen" in axes.get_title(loc="left")


def test_confusion_says_how_many_unseen_rows_are_taken_for_seen():
    labels = np.array([0, 0, 1, 1, 2, 2, 2, 2])
    predictions = np.array([0, 2, 1, 1, 2, 0, 1, 2])
    figure = confusion(labels, predictions, np.array([0, 1]), np.array([2]), ("a", "b", "c"))
    title = figure.axes[0].get_title(loc="left")
    assert title == "seen: 75.0% right, 25.0% taken for unseen\nunseen: 50.0% right, 50.0% taken for seen"


def test_evenly_takes_all_classes_alike():
    labels = np.repeat([0, 1, 2], [1000, 50, 5])
    kept = evenly(labels, 60, np.random.default_rng(0))
    assert len(kept) == len(set(kept.tolist())) == 60
    counts = np.bincount(labels[kept])
    assert counts[2] == 5
    assert abs(int(counts[0]) - int(counts[1])) <= 1
    np.testing.assert_array_equal(evenly(labels[:10], 60, np.random.default_rng(0)), np.arange(10))


@pytest.mark.parametrize("classes", [3, 14])
def test_generated_features_are_drawn_beside_real_ones(classes):
    real, labels, means = clusters(classes, 6)
    generated = means[labels] + 0.1
    names = tuple(f"class_{index}" for index in range(classes))
    figure = real_against_generated(real, labels, generated, labels, names, seed=1)
    axes = figure.axes[0]
    assert len(axes.collections) == 2 * classes
    assert sum(len(points.get_offsets()) for points in axes.collections) == 2 * len(real)
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[:2] == ["real", "generated"]
    assert (len(legend) == 2 + classes) == (classes <= 10)
    assert len(axes.texts) == (classes if classes > 10 else 0)
    assert png(figure) == png(real_against_generated(real, labels, generated, labels, names, seed=1))


def test_generated_features_must_be_finite():
    real, labels, _ = clusters(2, 5)
    with pytest.raises(ValueError, match="finite"):
        real_against_generated(real, labels, real * np.nan, labels, ("a", "b"))


def test_principal_plane_is_that_of_the_covariance():
    generator = np.random.default_rng(0)
    points = generator.normal(size=(500, 4)) * np.array([0.1, 3.0, 0.2, 2.0])
    centre, directions, share = principal_plane(points)
    covariance = np.cov(points.T)
    variances = np.linalg.eigvalsh(covariance)[::-1]
    np.testing.assert_allclose(centre, points.mean(0))
    np.testing.assert_allclose(np.diag(directions.T @ covariance @ directions), variances[:2], rtol=1e-10)
    np.testing.assert_allclose(share, variances[:2] / variances.sum(), rtol=1e-10)
    assert (directions[np.abs(directions).argmax(0), [0, 1]] > 0).all()


@pytest.mark.parametrize(("seen", "unseen", "ellipses"), [(5, 3, 8), (60, 40, 0)])
def test_priors_stand_in_the_plane_of_the_encodings(seen, unseen, ellipses):
    encodings, labels, means = clusters(seen + unseen, 4, width=6)
    names = tuple(map(str, range(seen + unseen)))
    parts = (np.arange(seen), np.arange(seen, seen + unseen), names)
    figure = priors_against_encodings(encodings, labels, means, np.ones_like(means), *parts)
    axes = figure.axes[0]
    assert axes.get_xlabel().startswith("principal component 1")
    rows, stars = axes.collections[2:]
    np.testing.assert_allclose(stars.get_facecolors(), to_rgba_array(class_colours(unseen)))
    counts = np.unique(rows.get_facecolors(), axis=0, return_counts=True)[1]
    np.testing.assert_array_equal(np.sort(counts), np.sort(np.bincount(labels)[parts[1]]))
    drawn = [patch for patch in axes.patches if isinstance(patch, Ellipse)]
    assert len(drawn) == ellipses
    for ellipse in drawn:
        np.testing.assert_allclose((ellipse.width, ellipse.height), (2, 2), rtol=1e-9)
    assert not priors_against_encodings(encodings, labels, means, None, *parts).axes[0].patches


def test_an_ellipse_shows_one_standard_deviation_along_each_axis():
    generator = np.random.default_rng(0)
    encodings = generator.normal(size=(200, 2)) * [5, 1]
    means, stds = np.zeros((2, 2)), np.array([[3.0, 0.5], [3.0, 0.5]])
    labels = np.arange(200) % 2
    figure = priors_against_encodings(encodings, labels, means, stds, np.array([0]), np.array([1]), ("a", "b"))
    ellipse = figure.axes[0].patches[0]
    assert sorted((ellipse.width, ellipse.height)) == pytest.approx([1.0, 6.0], rel=0.02)
    angle = np.deg2rad(ellipse.angle + (0 if ellipse.width > ellipse.height else 90))
    assert abs(np.cos(angle)) > 0.99


def test_a_line_has_no_plane():
    with pytest.raises(ValueError, match="two dimensions"):
        principal_plane(np.zeros((10, 1)))


def rows_of_a_run():
    for stage in ("tune", "train"):
        for step in range(10):
            yield Row(step, stage, "fit", f"{stage}/fit/reconstruction", 100.0 / (step + 1))
            yield Row(step, stage, "fit", f"{stage}/fit/kl", 0.5)
            if stage == "tune":
                yield Row(step, stage, "fit", "val/H", 5.0 * step)
                yield Row(step, stage, "fit", "val/U", float("nan"))
    yield Row(10, "final", "test", "test/H", 50.0)


def test_learning_curves_have_a_panel_per_phase_and_one_for_validation():
    figure = learning_curves(rows_of_a_run())
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["tune/fit", "train/fit", "validation classes"]
    terms, _, validation = figure.axes
    assert [line.get_label() for line in terms.lines] == ["reconstruction", "kl"]
    assert terms.get_yscale() == "log"
    assert [line.get_label() for line in validation.lines] == ["H"]
    np.testing.assert_allclose(validation.lines[0].get_ydata(), 5.0 * np.arange(10))
    assert all(axes.get_xlabel() == "step" for axes in figure.axes)


def test_steps_are_whole_numbers():
    (axes,) = learning_curves([Row(step, "fit", "train", "train/fit/kl", 1.0) for step in (3, 4)]).axes
    ticks = axes.get_xticks()
    assert {3.0, 4.0} <= set(ticks)
    assert np.array_equal(ticks, np.round(ticks))


def test_what_is_no_loss_goes_on_through_the_phases_in_a_panel_of_its_own():
    rows = [Row(step, "tune", "one", "tune/one/distance/critic", 1.0) for step in (1, 2)]
    rows += [
        Row(step, "tune", "two", f"tune/two/distance/{name}", 2.0) for step in (3, 4) for name in ("critic", "other")
    ]
    rows += [Row(5, "final", "two", "train/two/distance/critic", 2.0), Row(5, "final", "two", "train/two/kl", 2.0)]
    axes = {panel.get_title(loc="left"): panel for panel in learning_curves(rows).axes}
    assert list(axes) == ["tune: distance", "train: distance", "train/two"]
    curves = {line.get_label(): line.get_xdata().tolist() for line in axes["tune: distance"].lines}
    assert curves == {"critic": [1, 2, 3, 4], "other": [3, 4]}
    assert axes["tune: distance"].get_ylabel() == "distance"


def test_validation_metrics_of_other_data_have_a_panel_per_unit():
    nats = {"unit": "nats", "lower_is_better": True, "digits": 2}
    names = ("NCLL", "NCLL_se", "NCLL_MC", "accuracy")
    rows = [Row(step, "fit", "train", f"val/{name}", 90.0 - step) for step in (1, 2) for name in names]
    rows += [Row(1, "fit", "train", "train/fit/kl", 1.0), Row(2, "fit", "test", "test/NCLL", 80.0)]
    figure = learning_curves(rows, {"NCLL": nats, "NCLL_MC": nats})
    axes = {panel.get_title(loc="left"): panel for panel in figure.axes}
    assert axes.keys() == {"train/fit", "validation: nats", "validation: per cent"}
    shown = {name: [line.get_label() for line in panel.lines] for name, panel in axes.items()}
    assert (shown["validation: nats"], shown["validation: per cent"]) == (["NCLL", "NCLL_MC"], ["accuracy"])
    assert axes["validation: nats"].get_ylabel() == "nats"
    assert axes["validation: nats"].lines[0].get_xydata().tolist() == [[1, 89], [2, 88]]


@pytest.mark.parametrize("count", [6, 7, 17])
def test_names_of_many_curves_stand_beside_their_panel(count):
    rows = [Row(step, "fit", "train", f"val/metric_{n}", 90.0 - n) for step in (1, 2) for n in range(count)]
    figure = learning_curves(rows)
    (axes,) = figure.axes
    png(figure)
    panel, legend = axes.get_window_extent(), axes.get_legend().get_window_extent()
    assert (legend.x0 >= panel.x1) == (count > 6)
    assert legend.x1 <= figure.bbox.x1
    assert legend.y0 >= figure.bbox.y0


def test_validation_comes_last():
    rows = [Row(step, "fit", "one", "val/metric", 10.0) for step in (1, 2)] + [
        Row(2, "fit", "two", "train/two/kl", 1.0)
    ]
    training, validation = learning_curves(rows).axes
    assert training.get_title(loc="left") == "train/two"
    assert validation.get_title(loc="left").startswith("validation")


def test_class_prior_bars_are_in_the_order_of_the_true_shares():
    assumed, true = np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.6, 0.3])
    axes = class_prior_bars(assumed, true, ("a", "b", "c")).axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["b", "c", "a"]
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    np.testing.assert_allclose(heights, [[60, 30, 10], [50, 30, 20]])
    assert axes.lines[0].get_ydata()[0] == pytest.approx(100 / 3)
    assert axes.get_title(loc="left") == "Class prior: L1 distance from the true one 0.200 (uniform: 0.533)"


def test_the_class_prior_of_thousands_of_classes_is_two_outlines_on_a_picture_of_usual_size():
    """A bar for each of 5,000 classes made a picture of 850 inches, which is too large to be drawn."""
    true = np.arange(5000.0) / np.arange(5000.0).sum()
    figure = class_prior_bars(np.full(5000, 1 / 5000), true, tuple(map(str, range(5000))))
    assert figure.get_size_inches()[0] < 13
    assumed, outline = figure.axes[0].patches
    np.testing.assert_allclose(outline.get_data().values, 100 * true[::-1])
    np.testing.assert_allclose(assumed.get_data().values, 100 / 5000)


@pytest.mark.parametrize("classes", [200, 400])
def test_the_class_prior_of_hundreds_of_classes_has_room_on_a_card(classes):
    uniform = np.full(classes, 1 / classes)
    figure = class_prior_bars(uniform, uniform, tuple(map(str, range(classes))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of axes without any height
        card(figure)
    assert figure.axes[0].get_window_extent().height > 0.5 * figure.dpi


def test_before_and_after_share_a_plane_and_the_real_rows():
    real, labels, means = clusters(3, 20)
    before, after = means[labels] + 20.0, means[labels] + 0.5
    figure = before_and_after(real, labels, before, labels, after, labels)
    left, right = figure.axes
    points = [[np.asarray(part.get_offsets()) for part in axes.collections] for axes in (left, right)]
    np.testing.assert_array_equal(points[0][0], points[1][0])
    far, near = (np.linalg.norm(p[1].mean(0) - p[0].mean(0)) for p in points)
    assert far > near
    assert len(png(figure)) > 10_000


def test_learning_curves_need_something_to_draw():
    with pytest.raises(ValueError, match="no loss term"):
        learning_curves([Row(1, "final", "test", "test/H", 5.0)])


def test_the_stacking_curve_marks_plain_and_calibrated_classification():
    offsets = np.linspace(-3, 3, 61)
    seen, unseen = 60 / (1 + np.exp(2 * offsets - 2)), 50 / (1 + np.exp(-2 * offsets))
    u, s = 50 / (1 + np.exp(-2)), 30.0
    measured = Mark(0.0, unseen[30], seen[30], 2 * unseen[30] * seen[30] / (unseen[30] + seen[30]))
    figure = stacking_curve(seen, unseen, measured, Mark(1.0, u, s, 2 * u * s / (u + s)))
    axes = figure.axes[0]
    curve, plain, calibrated = axes.lines
    np.testing.assert_allclose(curve.get_xydata(), np.stack([seen, unseen], 1))
    np.testing.assert_allclose(plain.get_xydata()[0], (seen[30], unseen[30]))
    np.testing.assert_allclose(calibrated.get_xydata()[0], (seen[40], unseen[40]))
    assert any(f"H {2 * u * s / (u + s):.1f}" in text.get_text() for text in axes.texts)
    assert "seen" in axes.get_xlabel()
    assert "unseen" in axes.get_ylabel()
    area = auc(seen / 100, unseen / 100)
    assert axes.get_title(loc="left").endswith(f"AUSUC {100 * area:.1f}%")
    assert len(stacking_curve(seen, unseen, measured).axes[0].lines) == 2


def test_a_curve_of_one_point_is_drawn():
    assert stacking_curve(np.zeros(1), np.zeros(1), Mark(0.0, 0.0, 0.0, 0.0)).axes[0].lines


def test_a_curve_without_unseen_rows_that_are_right_has_the_area_0_and_its_marks_above_the_axis():
    figure = stacking_curve(np.array([90.0, 40.0, 0.0]), np.zeros(3), Mark(0.0, 0.0, 40.0, 0.0))
    png(figure)
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "Calibrated stacking, AUSUC 0.0%"
    (mark,) = (text for text in axes.texts if "gamma" in text.get_text())
    assert mark.get_window_extent().y0 >= axes.bbox.y0


def test_drawing_leaves_matplotlib_alone():
    before = dict(mpl.rcParams)
    learning_curves(rows_of_a_run())
    assert dict(mpl.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_colours_and_names_stay_apart():
    for count in (1, 2, 10, 11, 50):
        colours = class_colours(count)
        assert len({mpl.colors.to_hex(colour) for colour in colours}) == count
    assert shorts(["a_very_long_class_name_one", "a_very_long_class_name_two", "b"], 10) == [
        "a very lo…",
        "a very lo… (2)",
        "b",
    ]


NAMES_WITH_DOLLARS = (r"$\foo$", "$5 and $10", "a$^$b")
"""Between two dollars matplotlib sets formulas, and raises an error where it cannot."""


@pytest.mark.parametrize(
    "draw",
    [
        lambda names: confusion(np.arange(3), np.arange(3), np.arange(2), np.array([2]), names),
        lambda names: latent_scatter(torch.rand(3, 2), torch.arange(3), names, "title", ()),
        lambda names: class_prior_bars(np.full(3, 1 / 3), np.full(3, 1 / 3), names),
        lambda names: sheet([[np.zeros((2, 2))] * 3] * 3, names[0], names, names),
    ],
    ids=["confusion", "latent_scatter", "class_prior_bars", "sheet"],
)
def test_dollars_in_names_are_no_formulas(draw):
    texts = [text.get_text() for text in draw(NAMES_WITH_DOLLARS).findobj(Text)]
    assert any("foo" in text for text in texts)
    assert [text for text in texts if is_math_text(text)] == []


def test_a_signature_is_no_formula(monkeypatch):
    figure, drawn = confusion(np.arange(2), np.arange(2), np.array([0]), np.array([1]), ("a", "b")), []
    monkeypatch.setattr(pictures, "png", lambda figure: drawn.extend(map(Text.get_text, figure.texts)) or png(figure))
    still(figure, "f_clswgan, own, of $x and $y")
    assert "of" in drawn[0]
    assert not is_math_text(drawn[0])


def test_a_class_has_its_place_in_the_legend_whatever_its_name_begins_with():
    figure = latent_scatter(torch.rand(3, 2), torch.arange(3), ("_a", "b", "c"), "title", ())
    assert [text.get_text().strip() for text in figure.axes[0].get_legend().get_texts()] == ["a", "b", "c"]

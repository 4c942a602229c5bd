"""Figures at the size of TensorBoard's cards."""

import io
import itertools
import warnings

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from tests.slow import slow_if
from zsl_runner.config.sections import TrackerConf
from zsl_runner.tracking import tracker
from zsl_runner.tracking.figures.confusion import confusion
from zsl_runner.tracking.pictures import CARD_DPI, CARD_INCHES, animated, card, png, still


def drawn(classes):
    labels = np.repeat(np.arange(classes), 3)
    predictions = np.roll(labels, 1)
    unseen = np.arange(classes - 2, classes)
    names = tuple(f"class {number}" for number in range(classes))
    return confusion(labels, predictions, np.arange(classes - 2), unseen, names)


@pytest.mark.parametrize("dpi", [None, 60])
def test_a_figure_drawn_once_has_the_pixels_that_savefig_draws(dpi):
    expected, figure = io.BytesIO(), drawn(6)
    drawn(6).savefig(expected, format="png", dpi=dpi or "figure")
    found = np.asarray(Image.open(io.BytesIO(png(figure, dpi))))
    np.testing.assert_array_equal(found, np.asarray(Image.open(expected)))
    assert found.shape[1] == round(figure.get_figwidth() * (dpi or figure.dpi))
    assert figure.dpi == drawn(6).dpi


@pytest.mark.parametrize("classes", slow_if([20, 50], [6, 20, 50, 100]))
def test_a_card_is_small_and_no_two_names_touch(classes):
    figure = drawn(classes)
    whole = still(figure)
    small = card(figure)
    assert small.width == round(CARD_INCHES * CARD_DPI)
    assert Image.open(io.BytesIO(small.encoded)).size == (small.width, small.height)
    assert small.width < whole.width
    axes = figure.axes[0]
    names = [label for label in axes.get_yticklabels() if label.get_text()]
    assert bool(names) == (classes in (6, 100))  # of a hundred classes the figure names two kinds
    boxes = sorted((label.get_window_extent() for label in names), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(boxes))
    assert all(text.get_visible() == (classes == 6) for text in axes.texts)


def test_axes_with_numbers_keep_them():
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1000], [0, 1])
    axes.annotate("here", (500, 0.5))
    card(figure)
    assert [label.get_text() for label in axes.get_xticklabels()].count("") == 0
    assert axes.texts[0].get_visible()


@pytest.mark.parametrize("place", ["left", "center"])
def test_titles_of_a_card_are_broken_where_they_would_leave_it(place):
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle("A title as long as the whole figure is wide, which a card of less than half the width has not")
    left, right = figure.subplots(1, 2)
    titles = [
        *figure.texts,
        left.set_title("short", loc=place),
        right.set_title("a title of the right one of two, which is wider than its half of the card", loc=place),
    ]
    words = [text.get_text() for text in titles]
    card(figure)
    found = [text.get_text() for text in titles]
    assert [text.replace("\n", " ") for text in found] == words
    assert [text.count("\n") > 0 for text in found] == [True, False, True]
    for text in titles:
        box = text.get_window_extent()
        assert box.x0 >= -1
        assert box.x1 <= figure.bbox.width + 1
        assert box.y1 <= figure.bbox.height + 1


def test_a_card_whose_words_all_fit_is_laid_out_once(monkeypatch):
    laid_out = []
    execute = ConstrainedLayoutEngine.execute
    monkeypatch.setattr(
        ConstrainedLayoutEngine, "execute", lambda engine, figure: laid_out.append(1) or execute(engine, figure)
    )
    figures = [Figure(figsize=(CARD_INCHES, 3), layout="constrained") for _ in range(2)]
    for figure in figures:
        figure.subplots(1, 2)[1].imshow(np.eye(3))
    expected = png(figures[0], CARD_DPI)
    laid_out.clear()
    assert card(figures[1]).encoded == expected
    assert len(laid_out) == 1


def ink_below(picture, height):
    """Return the share of dark pixels in the lowest rows of a picture."""
    grey = np.asarray(Image.open(io.BytesIO(picture.encoded)).convert("L"))
    return (grey[-height:] < 200).mean()


@pytest.mark.parametrize("name", ["sgal/cub/seed-0", "sgal/cub/" + "+".join(f"option_{n}-{n}" for n in range(20))])
def test_a_figure_is_signed_in_a_strip_of_its_own(name):
    figure = drawn(6)
    bare, signed = still(figure), still(figure, name)
    assert (bare.width, bare.height) == (signed.width, signed.height)
    assert ink_below(signed, 14) > ink_below(bare, 14)
    assert figure.texts == []  # the signature is gone again


def test_frames_are_signed_too():
    plain, signed = animated([drawn(6), drawn(6)]), animated([drawn(6), drawn(6)], "sgal/cub/seed-0")
    assert ink_below(signed, 14) > ink_below(plain, 14)


def test_the_signature_names_model_data_set_and_run(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(tracker, "still", lambda figure, name: asked.append(name) or still(figure, name))
    directory = tmp_path / "outputs" / "sgal" / "cub" / "seed-0"
    directory.mkdir(parents=True)
    tracked = tracker.Tracker(directory, TrackerConf(progress="none", tensorboard=False))
    tracked.figure("confusion", drawn(6), 1)
    tracked.close()
    assert asked == ["sgal/cub/seed-0"]


def test_letters_that_the_font_lacks_are_told_of_once(caplog, recwarn):
    for name in ("\u718a", "\u732b\u718a"):
        figure = Figure()
        figure.suptitle(name)
        png(figure)
        card(figure)
    assert not recwarn.list
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "no font of the figures has \u718a",
        "no font of the figures has \u732b",
    ]


def test_other_warnings_of_a_drawing_go_on(monkeypatch):
    def draws(self, into):
        warnings.warn("another", RuntimeWarning, stacklevel=1)
        return print_png(self, into)

    print_png = FigureCanvasAgg.print_png
    monkeypatch.setattr(FigureCanvasAgg, "print_png", draws)
    with pytest.warns(RuntimeWarning, match="another"):
        png(Figure())

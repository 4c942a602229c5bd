"""`zsl-data describe`: what is in the data, in words and as a figure."""

import re
from dataclasses import replace
from itertools import pairwise, product

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import is_math_text
from matplotlib.text import Text

from tests.conftest import make_records
from tests.data.data_command import run
from tests.slow import slow_if
from zsl_runner.data.command.chosen import chosen
from zsl_runner.data.command.describe import describe, draw, zero_shot
from zsl_runner.data.sources.digits.conf import DigitsConf
from zsl_runner.data.sources.digits.source import load as load_digits
from zsl_runner.data.sources.toy.source import load as load_toy

pytestmark = pytest.mark.usefixtures("no_real_data")


def test_describe_says_what_is_in_the_data(capsys):
    code, out, err = run(capsys, "describe", "digits", "fold=2")
    assert (code, err) == (0, "")
    for line in (
        "digits: 1,797 rows of 64 features, 10 classes (embedded data)",
        "own (digit fold 2: unseen 1, 6, 8)",
        "from 0 to 1",
        "entries: 25, 0 of them equal in all seen classes",
        "most alike: ",
        "test_unseen     537 rows,   3 classes of 174 to 182 rows (median 181)",
    ):
        assert line in out
    table = [line.split() for line in out.splitlines() if re.match(r" +\d", line)]
    assert [row[2] for row in table] == [
        "seen", "unseen", "validation", "seen", "seen", "seen", "unseen", "validation", "unseen", "seen",
    ]  # fmt: skip
    assert sum(int(row[3]) + int(row[4]) for row in table) == 1797


def test_thousands_of_classes_are_described_without_the_cosines_of_all_pairs(monkeypatch):
    """They took 2 GB for 5,000 classes, and a bar for each class half a minute."""
    records = make_records(seen=1700, unseen=401, rows=3)
    vectors = records.class_vectors.astype(np.float64)
    cosines = vectors @ vectors.T
    nearest = cosines[np.ix_(records.unseen_classes, records.seen_classes)].max(1)
    np.fill_diagonal(cosines, -1)
    pairs = {f"class_{one} and class_{other}" for one, other in np.argwhere(cosines > cosines.max() - 1e-12)}
    monkeypatch.setattr(zero_shot, "cosine_similarity", lambda vectors: pytest.fail("all pairs at once"))
    (alike,) = [line.strip() for line in describe(records) if "most alike: " in line]
    assert alike.removeprefix("most alike: ").rpartition(", cosine ")[0] in pairs
    monkeypatch.undo()
    assert any(f"nearest seen one: {nearest.min():.3f} to {nearest.max():.3f}" in line for line in describe(records))
    sizes, _, similarity, _ = draw(records).axes
    outlines = [patch.get_data() for patch in sizes.patches]
    np.testing.assert_array_equal(outlines[0].values, np.where(np.arange(2101) < 1700, 2, 0))
    np.testing.assert_array_equal(outlines[2].values - outlines[2].baseline, np.where(np.arange(2101) < 1700, 0, 3))
    assert similarity.images[0].get_array().shape == (567 + 134, 567 + 134)
    assert similarity.get_title() == "Cosine of class vectors, one class of 3"


def test_describe_shortens_long_class_tables(tmp_path, capsys):
    out = run(capsys, "describe", "toy", "dataset.seen=90")[1]
    assert "38 more" in out
    assert len([line for line in out.splitlines() if re.match(r" +\d", line)]) == 60


def test_the_figure_is_a_picture_with_content(tmp_path, capsys):
    path = tmp_path / "toy.png"
    code, out, _ = run(capsys, "describe", "toy", "--figure", path, "seen=60")
    assert code == 0
    assert f"figure {path}" in out
    pixels = matplotlib.image.imread(path)
    assert pixels.shape[:2] == (616, 1650)
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50


def test_the_figure_shows_the_data():
    records = load_digits(DigitsConf(name="digits"))
    sizes, values, similarity, _ = draw(records).axes
    heights = [bar.get_height() for bar in sizes.patches]
    assert sum(heights) == 1797
    names = [tick.get_text() for tick in sizes.get_xticklabels()]
    assert set(names[-3:]) == {"3", "5", "7"}
    bars = {name: sum(heights[10 * group + i] for group in range(3)) for i, name in enumerate(names)}
    assert bars == {str(k): int(count) for k, count in enumerate(np.bincount(records.labels))}
    assert sum(bar.get_height() for bar in values.patches) == len(records.trainval) * 64
    image = similarity.images[0].get_array()
    assert image.shape == (10, 10)
    np.testing.assert_allclose(np.diag(image), 1, rtol=1e-6)


def test_the_title_names_the_data_and_nothing_unknown(own, capsys, monkeypatch):
    titles = []
    monkeypatch.setattr(
        "zsl_runner.tracking.pictures.png", lambda figure, dpi: titles.append(figure.get_suptitle()) or b""
    )
    picture = own.parent / "a.png"
    for options in ([], ["feature_kind=ViT"], ["name=other"]):
        assert run(capsys, "describe", "xlsa17", "--source", own, "--figure", picture, *options)[0] == 0
    sizes = "960 rows of 64 features, 16 classes"
    assert titles == [f"mine: {sizes}", f"mine: {sizes}\nViT", f"other: {sizes}"]


@pytest.mark.parametrize(
    ("letters", "classes"),
    slow_if(
        [(6, 10), (6, 20), (6, 50), (6, 60), (40, 10), (40, 20), (40, 50), (40, 200)],
        product((6, 40), (10, 20, 50, 60, 200)),
    ),
)
def test_names_of_classes_cover_neither_each_other_nor_the_edge(classes, letters):
    """Names are written or left out, all of them; written ones are of a size that can be read."""
    conf = chosen("toy", [f"seen={classes - 2}", "unseen=2", "train_rows=3", "test_rows=2", "unseen_rows=2"])
    records = load_toy(conf)
    names = tuple("M" * (letters - 1) + chr(65 + k % 26) for k in range(classes))
    figure = draw(replace(records, class_names=names))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    sizes, _, similarity, _ = figure.axes
    for axis in (sizes.xaxis, similarity.xaxis, similarity.yaxis):
        texts = [text for text in axis.get_ticklabels() if text.get_text().startswith("MMMMM")]
        if classes > 60:
            assert texts == []
            continue
        assert len(texts) == classes
        boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts]
        assert not any(first.overlaps(second) for first, second in pairwise(boxes))
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and figure.bbox.y0 <= box.y0 for box in boxes)
        assert min(text.get_fontsize() for text in texts) >= 4.5


def test_dollars_in_names_of_classes_and_features_are_no_formulas():
    records = load_toy(chosen("toy", ["seen=2", "unseen=2", "train_rows=3", "test_rows=2", "unseen_rows=2"]))
    known = replace(records.provenance, feature_kind="$x$")
    figure = draw(replace(records, class_names=(r"$\foo$", "$5 and $10", "b", "c"), provenance=known))
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert {r"\$\foo\$", r"\$5 and \$10"} <= set(texts)
    assert [text for text in texts if is_math_text(text)] == []


def test_a_figure_of_too_long_a_name_is_refused_before_the_data_are_read(tmp_path, capsys):
    code, out, err = run(capsys, "describe", "toy", "--figure", tmp_path / f"{'n' * 250}.png")
    assert (code, out) == (2, "")
    assert err.endswith("bytes, found 254; choose a shorter one\n")


def test_an_unwritable_figure_is_one_clear_error(tmp_path, capsys):
    code, out, err = run(capsys, "describe", "toy", "--figure", tmp_path / "absent" / "a.png")
    assert (code, out) == (2, "")
    assert "--figure: " in err
    assert "absent: no such folder" in err

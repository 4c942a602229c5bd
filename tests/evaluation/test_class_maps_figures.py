"""Figures of class maps show what is measured: pictures, prototypes, projected pixels, affinities, thresholds."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.evaluation.map_reader import CONF, Reader, readable
from zsl_runner.evaluation.class_maps.figures import (
    MARK,
    MOST_TAGS,
    class_map_figures,
    columns,
    labelled_pixels,
    received,
    shown_tags,
    similarity,
)
from zsl_runner.tracking.figures.class_maps import pixel_scatter, prototype_similarity, threshold_curves


def test_pictures_show_what_is_measured():
    fold, _ = readable()
    found = columns(Reader(), fold.evaluation, CONF, {"plain": 0.2, "refined": 0.2})
    maps = {f"{name} {what}" for name in ("plain", "refined") for what in ("map", "mask")}
    assert set(found) == {"image", "truth", "refined, true tags", *maps}
    for name in ("plain mask", "refined mask", "refined, true tags"):
        np.testing.assert_array_equal(found[name], found["truth"])
    assert found["image"].shape == (8, 32, 32, 3)
    assert "truth" not in columns(Reader(), readable(masks=None)[0].evaluation, CONF, {"plain": 0.2, "refined": 0.2})


def test_pictures_name_the_tags_of_each_image_and_the_colours_of_the_classes():
    fold, _ = readable()
    data = fold.evaluation
    drawn = dict(class_map_figures(Reader(), data, CONF, {"plain": 0.2, "refined": 0.2}))
    figure = drawn["class_maps"]()
    expected = ["\n".join(str(tag) for tag in np.flatnonzero(row)) for row in data.tags.numpy()]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == expected
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["background", *map(str, range(10))]
    shown = [tuple(patch.get_facecolor()[:3]) for patch in legend.get_patches()]
    masked = columns(Reader(), data, CONF, {"plain": 0.2, "refined": 0.2})["truth"]
    assert {tuple(colour) for colour in (masked.reshape(-1, 3) / 255)} <= set(shown)
    first = [label.get_text() for label in drawn["affinity"]().axes[0].get_yticklabels()]
    assert first == [names.split("\n")[0] for names in expected]
    many = dataclasses.replace(data, tags=torch.ones_like(data.tags))
    assert shown_tags(many)[0].split("\n") == [*map(str, range(MOST_TAGS)), "…"]


def test_prototypes_of_pixels_read_off_are_orthogonal():
    """The reader projects a pixel to its class: prototypes are unit vectors, of the classes that are there."""
    fold, masks = readable()
    cosines = similarity(Reader(), fold.evaluation)
    present = np.isin(np.arange(11), np.unique(masks))
    np.testing.assert_array_equal(np.isfinite(cosines), np.outer(present, present))
    np.testing.assert_allclose(cosines[np.ix_(present, present)], np.eye(present.sum()), atol=1e-5)
    names = fold.evaluation.class_names
    assert [text.get_text() for text in prototype_similarity(cosines, names).axes[0].get_xticklabels()] == list(names)


def test_projected_pixels_have_the_true_classes_of_their_places():
    """The reader projects a pixel to its class, so that the largest coordinate is the label."""
    fold, masks = readable()
    vectors, labels = labelled_pixels(Reader(), fold.evaluation, 4)
    np.testing.assert_array_equal(labels, masks[:4].flatten())
    np.testing.assert_array_equal(vectors.argmax(1), labels)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    few = np.concatenate([np.flatnonzero(labels == label)[:10] for label in np.unique(labels)[:3]])
    figure = pixel_scatter(vectors[few], labels[few], fold.evaluation.class_names, np.zeros((11, 3)))
    assert sum(len(points.get_offsets()) for points in figure.axes[0].collections) == 30
    with pytest.raises(ValueError, match="not all equal"):
        pixel_scatter(vectors[few[:10]], labels[few[:10]], fold.evaluation.class_names, np.zeros((11, 3)))


def test_a_chosen_pixel_receives_from_the_pixels_of_its_class_alone():
    fold, masks = readable()
    found = received(Reader(), fold.evaluation, 4)
    for picture, shares, mask in zip(found["chosen pixel"], found["receives from"], masks[:4], strict=True):
        (place,) = np.argwhere((picture == np.float32(MARK)).all(-1))
        alike = mask == mask[tuple(place)]
        assert mask[tuple(place)] > 0
        alike[tuple(place)] = False
        np.testing.assert_allclose(shares, alike, atol=1e-4)


def test_curves_mark_the_threshold_in_use():
    figure = threshold_curves(np.array([0.1, 0.3]), {"plain": np.array([10.0, 30.0])}, {"plain": 0.2}, 5.0)
    curve, mark, baseline = figure.axes[0].get_lines()
    np.testing.assert_array_equal(curve.get_ydata(), [10, 30])
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (0.2, pytest.approx(20.0))
    assert baseline.get_ydata()[0] == 5.0

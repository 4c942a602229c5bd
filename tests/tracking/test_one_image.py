"""Pictures drawn as one image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_runner.tracking.figures.one_image import GAP, sheet


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=3), min_size=1, max_size=3), st.booleans())
def test_every_picture_is_in_its_place_and_the_rest_is_white(coloured, as_bytes):
    draws, (height, width) = np.random.default_rng(0), (3, 2)
    white = 255 if as_bytes else 1.0

    def picture(in_colour):
        values = draws.random((height, width, 3) if in_colour else (height, width), dtype=np.float32)
        return (values * 200).astype(np.uint8) if as_bytes else values

    lines = [[picture(in_colour) for in_colour in line] for line in coloured]
    (axes,) = sheet(lines, "title", [str(place) for place in range(len(lines))]).axes
    (image,) = axes.images
    shown = np.array(image.get_array())
    assert (shown.ndim == 3) == any(map(any, coloured))
    assert image.get_clim() == (0, white)
    assert [label.get_text() for label in axes.get_yticklabels()] == [str(place) for place in range(len(lines))]
    for place, line in enumerate(lines):
        for column, expected in enumerate(line):
            top, left = place * (height + GAP), column * (width + GAP)
            found = shown[top : top + height, left : left + width]
            assert (found == (expected[..., None] if found.ndim > expected.ndim else expected)).all()
            found[:] = white
    assert (shown == white).all()


def test_grey_is_grey_and_not_scaled_to_what_is_there():
    figure = sheet([[np.full((2, 2), 128, np.uint8)]], "title")
    (image,) = figure.axes[0].images
    assert image.to_rgba(image.get_array())[0, 0, :3] == pytest.approx([128 / 255] * 3, abs=0.003)

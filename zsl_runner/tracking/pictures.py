"""Figures as encoded pictures, one at a time or as the frames of one that moves."""

from __future__ import annotations

import io
import logging
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from zsl_runner.files.names import some, verbatim

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from PIL.Image import Image

FRAME_MILLISECONDS: Final = 700
CARD_INCHES: Final = 4.4
CARD_DPI: Final = 160
WIDTH_OF_TWO_DIGITS: Final = 1.3
LINE_HEIGHT: Final = 1.2
"""Both in heights of letters."""
SIGNATURE_POINTS: Final = 6.5
LETTERS_IN_AN_INCH: Final = 18
_MISSING: Final = re.compile(r"Glyph (\d+) .*missing from")
_BOXES: set[str] = set()
"""Letters without a glyph that were told of."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Picture:
    """An encoded picture.

    Attributes:
        kind: of the encoding and the file: ``png`` or ``gif``.
        encoded: the bytes of the file.
        width: in pixels.
        height: in pixels.
    """

    kind: str
    encoded: bytes
    width: int
    height: int


def still(figure: Figure, signature: str = "") -> Picture:
    """Return a figure as a PNG, with a signature below it that names what it shows."""
    with _signed(figure, signature):
        return _picture(png(figure))


def card(figure: Figure) -> Picture:
    """Return a figure as a small PNG whose words stay legible on TensorBoard's cards, of some 340 pixels.

    The figure shrinks and its letters do not: titles that would leave it then are broken into lines, names of ticks
    that would touch one another, and numbers that would leave their cells, are left out. It stays as it was made here.
    """
    width, height = figure.get_size_inches()
    scale = min(1.0, CARD_INCHES / width)
    figure.set_size_inches(width * scale, height * scale)
    figure.dpi = CARD_DPI
    with warnings.catch_warnings():
        # Of titles that leave no room before they are broken, and of letters, of which drawing tells.
        warnings.simplefilter("ignore", UserWarning)
        _lay_out(figure)
        while _break_titles(figure):
            _lay_out(figure)  # the middle of a title pushes its axes aside
        hidden = [_leave_out_what_touches(axes, CARD_DPI) for axes in figure.axes]
    if not any(hidden):
        figure.set_layout_engine("none")  # drawing would lay the same out once more
    return _picture(png(figure))


def _lay_out(figure: Figure) -> None:
    """Give axes the places at which they are drawn, without drawing."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    for axes in figure.axes:
        axes.apply_aspect()


def png(figure: Figure, dpi: float | None = None) -> bytes:
    """Return a figure as PNG, by default in the dots per inch it was made with.

    Drawn once: ``savefig`` draws all of a figure that lays itself out twice.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # late: a run without figures needs no matplotlib

    made_with = figure.dpi
    encoded = io.BytesIO()
    try:
        figure.dpi = made_with if dpi is None else dpi
        with _missing_letters_told():
            FigureCanvasAgg(figure).print_png(encoded)
    finally:
        figure.dpi = made_with
    return encoded.getvalue()


def animated(figures: Sequence[Figure], signature: str = "") -> Picture:
    """Return figures of one size, at least one, as the frames of a GIF that repeats without end; see `still`."""
    first, *others = [_opened(still(figure, signature).encoded).convert("RGB") for figure in figures]
    moving = io.BytesIO()
    first.save(moving, "GIF", save_all=True, append_images=others, duration=FRAME_MILLISECONDS, loop=0)
    return Picture("gif", moving.getvalue(), *first.size)


@contextmanager
def _missing_letters_told() -> Iterator[None]:
    """Say once, and in one line, which letters figures lack; matplotlib warns of each in every figure."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    missing = set()
    for warning in caught:
        if glyph := _MISSING.match(str(warning.message)):
            missing.add(chr(int(glyph[1])))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if told := sorted(missing - _BOXES):
        _BOXES.update(told)
        log.warning("no font of the figures has %s: boxes are drawn in place of such letters", some(told))


@contextmanager
def _signed(figure: Figure, signature: str) -> Iterator[None]:
    """Write a signature at the foot of a figure, in a strip that its layout leaves free, and take it away again."""
    if not signature:
        yield
        return
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # late: a run without figures needs no matplotlib

    width, height = figure.get_size_inches()
    lines = textwrap.wrap(signature, max(20, int(width * LETTERS_IN_AN_INCH)))
    strip = min((0.04 + len(lines) * LINE_HEIGHT * SIGNATURE_POINTS / 72) / height, 0.3)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, strip, 1, 1 - strip))
    text = figure.text(0.995, 0.02 / height, verbatim("\n".join(lines)), ha="right", va="bottom")
    text.set(fontsize=SIGNATURE_POINTS, color="#7A7A7A", linespacing=LINE_HEIGHT)
    try:
        yield
    finally:
        text.remove()
        if isinstance(engine, ConstrainedLayoutEngine):
            engine.set(rect=(0, 0, 1, 1))


def _break_titles(figure: Figure) -> bool:
    """Break titles that would leave a figure into lines; tell whether there were any."""
    from matplotlib.text import Text  # late: a run without figures needs no matplotlib

    titles = list(figure.texts)
    for axes in figure.axes:
        titles += [child for child in axes.get_children() if isinstance(child, Text) and child not in axes.texts]
    before = [title.get_text() for title in titles]
    for title in titles:
        box = title.get_window_extent()
        beyond = max(-box.x0, box.x1 - figure.bbox.width)
        if title.get_text() and beyond > 0:
            excess = 2 * beyond if title.get_horizontalalignment() == "center" else beyond
            _break_lines(title, 1 - excess / box.width)
    return before != [title.get_text() for title in titles]


def _break_lines(text: Text, share: float) -> None:
    """Break a text between words into lines of a share of the letters that its longest one has."""
    lines = text.get_text().split("\n")
    letters = max(1, int(max(map(len, lines)) * share))
    text.set_text("\n".join(part for one in lines for part in textwrap.wrap(one, letters, break_long_words=False)))


def _leave_out_what_touches(axes: Axes, dpi: float) -> bool:
    """Hide tick labels closer to one another than lines of text, and texts wider than a cell of an image.

    Returns:
        Whether there is room to be had: tick labels were hidden, which stand beside the axes.
    """
    hidden = False
    for number, axis in enumerate((axes.xaxis, axes.yaxis)):
        labels = [label for label in axis.get_ticklabels() if label.get_text()]
        places = np.sort(axes.transData.transform([label.get_position() for label in labels] or [(0, 0)])[:, number])
        if len(labels) > 1 and np.diff(places).min() < LINE_HEIGHT * float(labels[0].get_fontsize()) * dpi / 72:
            axis.set_ticklabels([])
            hidden = True
    if axes.images and axes.texts:
        shape = axes.images[0].get_size()
        cell = min(axes.bbox.width / shape[1], axes.bbox.height / shape[0])
        for text in axes.texts:
            text.set_visible(float(text.get_fontsize()) * dpi / 72 * WIDTH_OF_TWO_DIGITS <= cell)
    return hidden


def _picture(encoded: bytes) -> Picture:
    width, height = _opened(encoded).size
    return Picture("png", encoded, width, height)


def _opened(png: bytes) -> Image:
    from PIL import Image

    return Image.open(io.BytesIO(png))

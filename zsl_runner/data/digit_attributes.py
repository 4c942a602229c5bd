"""Hand-made visual attributes of the ten digits, the class vectors of `digits` and `mnist`.

Two groups: which strokes of a seven-segment display a digit lights (0 or 1), and how it is usually *written*
(0 to 1, in steps that a person can judge by eye: 0 no, 0.5 partly or by half of the writers, 1 yes). The tables are
the definition; each column is a digit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

DIGITS: Final = 10

SEGMENTS: Final = """
                          0    1    2    3    4    5    6    7    8    9
top                       1    0    1    1    0    1    1    1    1    1
upper_right               1    1    1    1    1    0    0    1    1    1
lower_right               1    1    0    1    1    1    1    1    1    1
bottom                    1    0    1    1    0    1    1    0    1    1
lower_left                1    0    1    0    0    0    1    0    1    0
upper_left                1    0    0    0    1    1    1    0    1    1
middle                    0    0    1    1    1    1    1    0    1    1
"""

STROKES: Final = """
                          0    1    2    3    4    5    6    7    8    9
loops_of_two              0.5  0    0    0    0    0    0.5  0    1    0.5
closed_upper_loop         0.3  0    0    0    0.2  0    0    0    1    1
closed_lower_loop         0.3  0    0    0    0    0    1    0    1    0
end_points_of_four        0    0.5  0.5  0.5  0.75 0.5  0.25 0.75 0    0.25
straight_vertical         0.3  1    0    0    0.7  0.3  0.2  0.3  0    0.5
straight_horizontal       0    0    0.6  0    0.8  0.7  0    0.9  0    0
straight_diagonal         0    0.2  0.6  0    0.6  0    0.3  0.8  0.2  0.2
curvature                 1    0    0.6  1    0    0.6  0.9  0.1  1    0.8
opens_left_above          0    0.2  1    1    0    0    0    0.7  0    0
opens_left_below          0    0.2  0    1    0.7  1    0    1    0    0.8
opens_right_above         0    0.2  0    0    0.2  1    1    0    0    0
opens_right_below         0    0.2  1    0    0.5  0    0    0.8  0    0.3
opens_upwards             0    0    0    0    0.8  0    0.5  0    0    0
left_right_symmetry       1    0.9  0.1  0.1  0.2  0.1  0.2  0.1  1    0.2
up_down_symmetry          1    0.9  0.1  1    0.1  0.1  0.1  0.1  0.9  0.1
half_turn_symmetry        1    0.9  0.7  0.1  0.1  0.7  0.2  0.1  0.9  0.2
stroke_crossings          0    0    0    0    1    0    0    0.5  1    0
ink_at_the_centre         0    1    0.4  0.8  0.8  0.7  0.5  0.7  1    0.6
"""


def _parsed(table: str) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    lines = table.strip().splitlines()[1:]
    names = tuple(line.split()[0] for line in lines)
    values = np.array([[float(entry) for entry in line.split()[1:]] for line in lines], dtype=np.float32)
    return names, np.ascontiguousarray(values.T)


def digit_attributes(choice: str) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the attribute names and the (10, A) matrix whose row k describes digit k.

    Args:
        choice: ``segments`` (A = 7, entries 0 or 1) or ``all`` (segments and strokes, A = 25, entries 0..1).

    Raises:
        ValueError: another choice.
    """
    if choice not in ("segments", "all"):
        raise ValueError(f"unknown digit attributes {choice!r}")
    names, values = _parsed(SEGMENTS)
    if choice == "segments":
        return names, values
    stroke_names, stroke_values = _parsed(STROKES)
    return names + stroke_names, np.concatenate([values, stroke_values], axis=1)

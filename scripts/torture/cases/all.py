"""The list of the cases, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from scripts.torture.cases import failures, results
from scripts.torture.children import Place
from scripts.torture.verdict import Topic

LIST: tuple[Callable[[Place], None], ...] = (
    results.two_folders_of_one_name,
    results.an_edited_configuration,
    results.a_flipped_bit,
    results.a_class_without_pixels,
    results.a_hidden_folder,
    results.a_linked_class,
    results.deep_and_turned_pictures,
    results.turned_images_under_masks,
    results.pictures_of_equal_names_and_sizes,
    results.scores_that_are_not_finite,
    results.test_rows_written_twice,
    results.a_signal_in_the_test_of_a_sweep,
    results.an_unreadable_folder_of_checkpoints,
    failures.a_reader_that_has_enough,
    failures.a_terminal_that_hangs_up,
    failures.hydras_directories,
    failures.printed_commands,
    failures.recursion,
    failures.a_dangling_link,
    failures.an_evaluation_without_a_place,
    failures.a_bare_carriage_return,
    failures.sizes_that_overflow,
    failures.no_locks,
    failures.a_byte_order_mark,
    failures.transposed_class_vectors,
    failures.a_baseline_by_number,
    failures.a_full_disk,
    failures.a_missing_record,
    failures.two_identical_commands,
    failures.a_missing_value,
)


def sentence(number: int) -> str:
    """Return what a case demands; cases count from 1."""
    return f"case {number + 1}: {(LIST[number].__doc__ or '').splitlines()[0]}"


def attempt(number: int, draw: np.random.Generator, folder: Path, shared: Path) -> tuple[str, str]:
    """Check one case."""
    LIST[number](Place(folder))
    return "equal", sentence(number)


CASES = Topic("cases that once failed", len(LIST), attempt, sentence, fixed=True)

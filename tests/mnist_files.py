"""Files in MNIST's format, for tests."""

import numpy as np

from zsl_runner.data.sources.mnist.files import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS

COUNTS = ((TRAIN_IMAGES, TRAIN_LABELS, 200), (TEST_IMAGES, TEST_LABELS, 100))


def idx(array):
    """Return an array as the content of an idx file."""
    header = bytes((0, 0, 8, array.ndim)) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def random_digits():
    """Return the content of the four files by name: noise with labels, as many of each digit."""
    generator = np.random.default_rng(0)
    arrays = {}
    for images, labels, count in COUNTS:
        arrays[images] = generator.integers(0, 256, size=(count, 28, 28))
        arrays[labels] = generator.permutation(np.arange(count) % 10)
    return arrays

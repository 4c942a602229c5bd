"""Random batches for tests of models that need no data set."""

import torch


def random_batch(shape, rows=24):
    """Return features, labels among the first six classes, class vectors and the seen classes."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, shape.features, generator=generator)
    labels = torch.randint(0, 6, (rows,), generator=generator)
    vectors = torch.rand(shape.classes, shape.class_vector, generator=generator)
    return x, labels, vectors, torch.arange(6)

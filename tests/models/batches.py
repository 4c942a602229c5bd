"""Random batches for tests of models that need no data set."""

import torch


def random_batch(shape, seen=6, rows=24, seed=0):
    """Return features, labels among the first ``seen`` classes, class vectors and the seen classes."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, shape.features, generator=generator)
    labels = torch.randint(0, seen, (rows,), generator=generator)
    vectors = torch.rand(shape.classes, shape.class_vector, generator=generator)
    return x, labels, vectors, torch.arange(seen)

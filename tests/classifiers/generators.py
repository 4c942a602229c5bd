"""Feature generators whose output is known, for tests of what is built upon them."""

import torch
from torch import nn

from zsl_runner.models.base import FeatureGenerator


class ClassGaussians(FeatureGenerator):
    """Generates rows around given class means; the classifier's input is the row and its square.

    Args:
        class_vectors: (K, A).
        means: (K, D).
        spread: deviation of a row from its class mean.
    """

    def __init__(self, class_vectors, means, spread=0.3):
        super().__init__()
        self.register_buffer("class_vectors", class_vectors)
        self.register_buffer("means", means)
        self.spread = spread
        self.part = nn.BatchNorm1d(means.shape[1])
        self.modes = set()

    def synthesize(self, class_vectors, streams):
        classes = torch.cdist(class_vectors, self.class_vectors).argmin(1)
        shape = (len(classes), self.means.shape[1])
        return self.means[classes] + self.spread * torch.randn(shape, generator=streams["generate"])

    def classifier_input(self, x):
        assert not torch.is_grad_enabled()
        self.modes.add(self.part.training)
        return torch.cat([x, x.square()], 1)


def honest_generator(fold, spread=0.3):
    """Return a generator whose means are those of the evaluation rows of unseen classes."""
    data = fold.evaluation
    means = torch.zeros(len(data.class_vectors), data.unseen.width)
    for rows, labels in ((data.unseen, data.unseen_labels), (data.seen, data.seen_labels)):
        x = rows.take(torch.arange(len(rows)))
        for k in labels.unique():
            means[k] = x[labels == k].mean(0)
    return ClassGaussians(data.class_vectors, means, spread)

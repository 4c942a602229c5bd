"""Class maps summed over scales and mirror images, and images that are too small for a scale."""

import pytest
import torch

from tests.tagged import network, tagged_fold
from zsl_runner.data.images.folds import ImageShape
from zsl_runner.errors import ConfigError
from zsl_runner.evaluation.class_maps.seeds import seeds
from zsl_runner.objectives.class_maps import confidences, resized


def test_scales_and_mirror_images_are_summed():
    model = network(tagged_fold().train.shape).eval()
    x = tagged_fold().evaluation.images.take(torch.arange(4))
    with torch.no_grad():
        found = seeds(model, x, [1.0, 0.5], mirrored=True)
        total = 0
        for scaled in (x, resized(x, (16, 16), aligned=False)):
            for flipped in (scaled, scaled.flip(-1)):
                maps = resized(model.maps(flipped).logits[:, 1:], (32, 32), aligned=False)
                total = total + (maps if flipped is scaled else maps.flip(-1))
        every = torch.ones_like(found.tags)
        torch.testing.assert_close(found.among(every)["plain"], confidences(total))
        mirrored = seeds(model, x.flip(-1), [1.0, 0.5], mirrored=True)
        one, other = found.among(every)["plain"], mirrored.among(every)["plain"]
    torch.testing.assert_close(other.flip(-1), one, rtol=1e-4, atol=1e-5)
    assert torch.equal(mirrored.tags, found.tags)
    with pytest.raises(ConfigError, match=r"evaluator.scales: 0.05 makes images of 32 x 32 pixels smaller than the"):
        seeds(model, x, [1.0, 0.05], mirrored=False)


@pytest.mark.parametrize("upright", [False, True])
def test_images_may_be_as_small_as_the_networks_stride_and_no_smaller(upright):
    """A quarter of 32 x 16 pixels is 8 x 4, which a network of stride 4 maps on 2 x 1; 6 x 3 pixels are too few."""
    model = network(ImageShape(1, 32, 32, 11)).eval()
    x = torch.rand(2, 1, 16, 32, generator=torch.Generator().manual_seed(0))
    x = x.transpose(2, 3) if upright else x
    with torch.no_grad():
        (maps,) = seeds(model, x, [0.25], mirrored=False).maps
    assert maps.logits.shape == (2, 11, *((2, 1) if upright else (1, 2)))
    sides = "16 x 32" if upright else "32 x 16"
    with pytest.raises(ConfigError, match=f"evaluator.scales: 0.1875 makes images of {sides} pixels smaller than"):
        seeds(model, x, [0.25, 3 / 16], mirrored=False)

"""A few small tagged images, a small network, and the stage that trains it, for tests."""

import dataclasses

import torch

from zsl_runner.config.schema import OptimizerConf, RuntimeConf, TrainerConf
from zsl_runner.data.sources.digit_canvas.conf import TaggedCanvasConf
from zsl_runner.data.sources.digit_canvas.source import load_tagged
from zsl_runner.data.tagged.folds import tagged_folds
from zsl_runner.models.class_mapping_conf import CorrelationConf
from zsl_runner.models.class_maps.conf import ClassMapsConf
from zsl_runner.models.class_maps.model import ClassMaps
from zsl_runner.streams import Streams
from zsl_runner.trainers.prototype_contrast.conf import PhaseConf, PrototypeContrastConf
from zsl_runner.trainers.prototype_contrast.trainer import PrototypeContrast
from zsl_runner.training.base import TrainingContext
from zsl_runner.training.optimisers import Optimisers
from zsl_runner.training.runtime import Runtime

CANVASES = TaggedCanvasConf(
    source="digits",
    side=32,
    train=24,
    validation=8,
    test=8,
    digits=[1, 3],
    digit_size=[0.3, 0.4],
    distinct=True,
    dilation=1,
    strokes=0,
    covers=0,
    colour=False,
    cache=None,
)
NETWORK = ClassMapsConf(
    channels=[6, 8, 10],
    strides=[1, 2, 2],
    dilations=[1, 1, 2],
    projection=8,
    correlation=CorrelationConf(layers=[2, 3], channels=[4, 4], width=6),
)
STEPS = PrototypeContrastConf(
    batch_size=8,
    classify=PhaseConf(steps=3),
    contrast=PhaseConf(steps=3, power=0.9),
    backbone=OptimizerConf(lr=1e-2),
    heads=OptimizerConf(lr=1e-2),
)


def tagged_fold(records=None, conf=CANVASES):
    """Return the validation fold of small canvases, or of other records."""
    stages = tagged_folds(records or load_tagged(conf), conf, TrainerConf(kind="x", name="x"), torch.device("cpu"))
    return stages.fold("val")


def network(shape, conf=NETWORK, seed=0):
    """Return a small network."""
    return ClassMaps(conf, shape, Streams(seed))


def trainer(training, conf=STEPS, model=None, seed=0, **changes):
    """Return the trainer of a small network; keywords replace its options."""
    conf = dataclasses.replace(conf, **changes)
    streams = Streams(seed)
    model = model or ClassMaps(NETWORK, training.shape, streams)
    optimisers = Optimisers(model.parameter_groups(), conf.optimisers())
    runtime = Runtime(RuntimeConf(device="cpu"))
    return PrototypeContrast(conf, TrainingContext(model, training, optimisers, runtime, streams))


def run_phases(procedure):
    """Take all steps and return their terms by phase."""
    found = {}
    for phase in procedure.phases():
        phase.begin()
        found[phase.name] = [phase.step().terms for _ in range(phase.steps)]
    return found

"""A few small tagged images, a small network, and the stage that trains it, for tests."""

import dataclasses

import torch

from tests.weights import hand_over, same, weights_of
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.sections import RuntimeConf
from zsl_runner.data.sources.digit_canvas.conf import TaggedCanvasConf
from zsl_runner.data.sources.digit_canvas.source import load_tagged
from zsl_runner.data.tagged.folds import tagged_folds
from zsl_runner.models.class_mapping_conf import CorrelationConf
from zsl_runner.models.class_maps.conf import ClassMapsConf
from zsl_runner.models.class_maps.model import ClassMaps
from zsl_runner.streams import Streams
from zsl_runner.trainers.class_mapping_conf import PhaseConf
from zsl_runner.trainers.mask_supervision.conf import MaskSupervisionConf
from zsl_runner.trainers.mask_supervision.trainer import MaskSupervision
from zsl_runner.trainers.prototype_contrast.conf import PrototypeContrastConf
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
MASKED_STEPS = MaskSupervisionConf(
    batch_size=8,
    first=PhaseConf(steps=3),
    second=PhaseConf(steps=3, power=0.9),
    backbone=OptimizerConf(lr=1e-2),
    heads=OptimizerConf(lr=1e-2),
)


def tagged_fold(records=None, conf=CANVASES, steps=STEPS):
    """Return the validation fold of small canvases, or of other records, as a trainer's options allow to see it."""
    return tagged_folds(records or load_tagged(conf), conf, steps, torch.device("cpu")).fold("val")


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
    context = TrainingContext(model, training, optimisers, runtime, streams)
    return MaskSupervision(conf, context) if isinstance(conf, MaskSupervisionConf) else PrototypeContrast(conf, context)


def goes_on_where_it_was(training, conf):
    """Assert that a trainer taken up in its second phase ends with the weights of one that was not stopped."""
    straight, interrupted, resumed = (trainer(training, conf) for _ in range(3))
    for procedure in (straight, interrupted):
        first, second = procedure.phases()
        run_phase(first)
        second.begin()
        second.step()
    hand_over(interrupted, resumed)
    for procedure in (straight, resumed):
        for _ in range(2):
            procedure.phases()[1].step()
    assert same(weights_of(straight), weights_of(resumed))
    assert not same(weights_of(straight), weights_of(interrupted))


def run_phase(phase):
    """Take all steps of a phase and return their terms."""
    phase.begin()
    return [phase.step().terms for _ in range(phase.steps)]


def run_phases(procedure):
    """Take all steps and return their terms by phase."""
    return {phase.name: run_phase(phase) for phase in procedure.phases()}

"""The methods of continual learning in short trainings, and what tests ask of their trainers."""

import dataclasses

import torch

from tests.task_data import OPTIM
from zsl_runner.models.task_heads.conf import TaskHeadsConf
from zsl_runner.trainers.continual.conf import EWCConf, ICaRLConf, LFLConf, LwFConf, MASConf
from zsl_runner.trainers.continual.options import AuxiliaryConf

LENGTH = {"iterations": 20, "epochs": None, "batch_size": 16, "optim": OPTIM}
HELD = LENGTH | {"auxiliary": AuxiliaryConf(optim=OPTIM)}
HOLDING = {
    "ewc": EWCConf(weight=100.0, **HELD),
    "mas": MASConf(weight=1.0, **HELD),
    "lwf": LwFConf(weight=1.0, **HELD),
    "lfl": LFLConf(weight=1.0, **HELD),
    "icarl": ICaRLConf(weight=1.0, memory=30, **HELD),
}


def with_auxiliary(conf, weight=1.0):
    return dataclasses.replace(conf, auxiliary_weight=weight)


def names(trainer):
    return [phase.name for phase in trainer.phases()]


def parts(trainer):
    """Return what holds state, in the order in which a stage loads it."""
    return trainer.model, trainer.context.optimisers, trainer, trainer.context.streams


def distance(network, vector):
    return float((torch.nn.utils.parameters_to_vector(network.parameters()).detach() - vector).norm())


def told(conf, dataset):
    return [f"{problem.key}: {problem.message}" for problem in conf.fits(TaskHeadsConf(), dataset)]

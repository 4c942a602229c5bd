"""The words in which components say what they are for: stages of a run, views of data. Never imports torch."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

VALIDATING: Final = ("tune", "fit")
"""Stages that validate on the way."""

TESTING: Final = ("final", "fit")
"""Stages that read the test rows at their end."""

OF_CODES: Final = ("estimators", "samples", "validation_samples", "sample_batch", "curve", "drawn_samples")
"""Options of the evaluators of likelihoods that are about drawn codes."""


class View(Enum):
    """How a model or an evaluator reads data: as they are, or as those of another kind; see `zsl_runner.data.views`."""

    OWN = "own"
    PAIRS = "pairs"
    ROWS = "rows"


class Provision(StrEnum):
    """What a data set provides, and what models, trainers and evaluators need; a package may add words of its own."""

    FEATURES = "features"
    """Rows of numbers."""
    CLASS_VECTORS = "class_vectors"
    """A vector that describes each class."""
    ZERO_SHOT = "zero_shot"
    """Seen and unseen classes."""
    UNLABELLED = "unlabelled"
    """A pool of unlabelled rows of unseen classes."""
    IMAGES = "images"
    """Rows that are images."""
    PAIRS = "pairs"
    """Inputs with outputs to be predicted from them."""
    NUMBERS = "numbers"
    """Outputs that are numbers in [0, 1], such as grey values."""
    IMAGE_ROWS = "image_rows"
    """Images."""
    IMAGE_LABELS = "image_labels"
    """Images of classes."""
    FACTORS = "factors"
    """Images with the values of the factors they were made from."""
    SEGMENTATION = "segmentation"
    """Outputs that are a label for each pixel."""
    COMPLETION = "completion"
    """Outputs that are parts of an image."""
    TASKS = "tasks"
    """Classes that arrive in tasks."""
    ZERO_SHOT_TASKS = "zero_shot_tasks"
    """Tasks with class vectors, before which a class is unseen."""
    TAGS = "tags"
    """Images with tags: which classes they show."""
    MASKS = "masks"
    """Masks of such images, where they show them: for measuring, and for a trainer that needs them."""


class Capability(StrEnum):
    """What a model offers, and what trainers and evaluators call; a package may add words of its own."""

    CLASS_SCORES = "class_scores"
    """Scores of classes."""
    LOSS_TERMS = "loss_terms"
    """Terms of a loss on labelled rows."""
    SYNTHESIZE = "synthesize"
    """Features generated from class vectors."""
    FIT = "fit"
    """A closed form."""
    TARGET_TERMS = "target_terms"
    """Terms of a loss on unlabelled rows."""
    CLASS_PRIORS = "class_priors"
    """A Gaussian for each class."""
    ALIGNED_CODES = "aligned_codes"
    """Codes of features and of class vectors, brought into agreement by terms of the loss that a trainer raises."""
    PREDICT_OUTPUT = "predict_output"
    """Outputs predicted from inputs."""
    LATENT_OUTPUT = "latent_output"
    """The same, with a code."""
    ADVERSARIAL_FEATURES = "adversarial_features"
    """Generator, critics and encoder of features."""
    ADVERSARIAL_CODES = "adversarial_codes"
    """Encoder, decoder and discriminators of codes."""
    JOINT_CODE = "joint_code"
    """A continuous and a discrete code."""
    TASK_LOGITS = "task_logits"
    """Logits of the classes of tasks, and copies of the networks that gave them."""
    UNSEEN_LOGITS = "unseen_logits"
    """The same of classes without training rows."""
    CLASS_MAPS = "class_maps"
    """Maps of where an image shows its classes."""

"""Maximum likelihood of deterministic predictions: the baseline networks, and GDNN for models with codes."""

from __future__ import annotations

from torch import Tensor

from zsl_runner.data.pairs.folds import Pair, PairTrainingSet
from zsl_runner.models.output_prediction import LatentOutputPredictor
from zsl_runner.trainers.nn.conf import DeterministicTrainerConf
from zsl_runner.trainers.predictions import PredictionTrainer
from zsl_runner.training.base import TrainingContext


class DeterministicTrainer(PredictionTrainer):
    """Minimises the negative log-likelihood of the prediction and the model's auxiliary terms.

    A model with codes predicts with the code at its prior mean, which makes it the paper's GDNN: the network of GSNN
    with the noise switched off, in what is measured, too: neither its recognition network nor the spread of its codes
    is trained.

    Args:
        conf: the procedure's options.
        context: what it works on; the model must be an `OutputPredictor`.
    """

    phase_name = "fit"
    groups = ("generation",)

    def __init__(self, conf: DeterministicTrainerConf, context: TrainingContext[PairTrainingSet]) -> None:
        super().__init__(conf, context)
        if isinstance(context.model, LatentOutputPredictor):
            context.model.recognises = context.model.stochastic = False

    def terms(self, pair: Pair, schedule: Tensor) -> dict[str, Tensor]:
        """Return ``negative_log_likelihood`` and the model's auxiliary terms."""
        condition = self.predictor.condition(pair.x)
        likelihood = self.predictor.log_likelihood(self.predictor.predict(condition), pair.y, pair.valid)
        return {
            "negative_log_likelihood": -likelihood.mean(),
            **self.predictor.auxiliary_terms(condition, pair.y, pair.valid),
        }

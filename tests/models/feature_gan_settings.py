"""Small networks in the shape of each method, for tests."""

import dataclasses

from zsl_runner.models.feature_gan.conf import FeatureGANConf, PenaltyConf, WeightsConf

BI_VAEGAN = FeatureGANConf(
    hidden=16,
    attribute_hidden=8,
    output="projection",
    encoder="batch_norm",
    encoded_noise=True,
    unseen_critic="unconditional",
    regressor="level_1",
    attribute_critic=True,
    classifier_input="joint",
    penalty=PenaltyConf(adaptive=True),
)
F_VAEGAN = FeatureGANConf(hidden=16, encoder="two_layer", encoded_noise=True, reconstruction="bce")
TF_VAEGAN = dataclasses.replace(
    F_VAEGAN,
    regressor="joint",
    regressor_learns_from_generated=True,
    feedback_loop=True,
    classifier_input="joint",
    weights=WeightsConf(regression=0.1, feedback=0.1),
)

"""CVAE, GSNN, hybrid and deterministic training."""

import dataclasses

import pytest
import torch

from zsl_runner.config.optimizer import ScheduledOptimizerConf
from zsl_runner.config.sections import RuntimeConf
from zsl_runner.data.load import load
from zsl_runner.data.pairs.completion.folds import CompletionSource
from zsl_runner.data.pairs.folds import PairEvaluationSet, PairStages
from zsl_runner.data.sources.digits.conf import DigitsQuadrantConf
from zsl_runner.data.stages import Fold
from zsl_runner.data.views import training_as
from zsl_runner.evaluation.likelihood.conf import LikelihoodEvaluatorConf
from zsl_runner.evaluation.likelihood.evaluator import LikelihoodEvaluator
from zsl_runner.models.baselines.conf import BaselineNNConf
from zsl_runner.models.baselines.model import BaselineNN
from zsl_runner.models.cvae.conf import CVAEConf
from zsl_runner.models.cvae.model import CVAE
from zsl_runner.models.networks import Gaussians
from zsl_runner.objectives.gaussian import kl_divergence, reparameterise
from zsl_runner.streams import Streams
from zsl_runner.trainers.cvae.conf import ConditionalVAETrainerConf
from zsl_runner.trainers.cvae.trainer import ConditionalVAETrainer
from zsl_runner.trainers.nn.conf import DeterministicTrainerConf
from zsl_runner.trainers.nn.trainer import DeterministicTrainer
from zsl_runner.training.base import TrainingContext
from zsl_runner.training.optimisers import Optimisers
from zsl_runner.training.runtime import Runtime

CVAE_CONF = CVAEConf(name="cvae", latent_dim=3, hidden=[8])
CONF = ConditionalVAETrainerConf(epochs=2, batch_size=50, optim=ScheduledOptimizerConf(lr=1e-3))


@pytest.fixture(scope="module")
def training_set():
    conf = DigitsQuadrantConf(name="digits_quadrant")
    records = load(conf)
    source = CompletionSource(records, conf, torch.device("cpu"))
    return PairStages(source, source.shape, records.splits(), torch.device("cpu")).cut("fit").train


@pytest.fixture
def build(training_set):
    def build(conf=CONF, model_conf=CVAE_CONF, model_class=CVAE, trainer_class=ConditionalVAETrainer, data=None):
        data = training_as(model_conf.reads, data or training_set)
        streams = Streams(0)
        with streams.initialising():
            model = model_class(model_conf, data.shape, streams)
        groups = model.parameter_groups()
        optimisers = Optimisers(groups, dict.fromkeys(groups, conf.optim))
        return trainer_class(conf, TrainingContext(model, data, optimisers, Runtime(RuntimeConf()), streams))

    return build


def pair_of(trainer):
    return trainer.context.data.pairs.take(torch.arange(7))


def terms_of(trainer, pair):
    return trainer.terms(pair, torch.tensor(trainer.schedule()))


def total(terms):
    return sum(terms.values())


def by_hand(trainer, pair, codes):
    """The bound or the GSNN objective of a batch, with the noise that the trainer draws first."""
    model, streams = trainer.model, Streams(0)
    condition = model.condition(pair.x)
    prior, posterior = model.prior(condition), model.posterior(pair.x, pair.y, None)
    used, stream = (posterior, "noise") if codes == "posterior" else (prior, "prior_noise")
    noise = torch.randn(1, *used.mean.shape, generator=streams[stream])
    likelihood = model.log_likelihood(model.generate(condition, reparameterise(*used, noise)), pair.y, None).mean()
    if codes == "prior":
        return -likelihood
    return -likelihood + kl_divergence(*posterior, *prior).mean()


def test_alpha_one_is_the_bound_and_alpha_zero_the_gsnn_objective_bit_for_bit(build):
    for alpha, codes in ((1.0, "posterior"), (0.0, "prior")):
        trainer = build(dataclasses.replace(CONF, alpha=alpha))
        pair = pair_of(trainer)
        assert torch.equal(total(terms_of(trainer, pair)), by_hand(trainer, pair, codes))


def test_the_hybrid_is_the_weighted_sum_with_samples_of_each(build):
    trainer = build(dataclasses.replace(CONF, alpha=0.3))
    pair = pair_of(trainer)
    expected = 0.3 * by_hand(trainer, pair, "posterior") + 0.7 * by_hand(trainer, pair, "prior")
    torch.testing.assert_close(total(terms_of(trainer, pair)), expected)


def test_with_recognition_tied_to_the_prior_the_divergence_vanishes_and_the_objectives_agree(build):
    class Tied(CVAE):
        def posterior(self, x, y, valid):
            return Gaussians(*self.prior(self.condition(x)))

    cvae, gsnn = build(model_class=Tied), build(dataclasses.replace(CONF, alpha=0.0), model_class=Tied)
    same = torch.randn(1, 7, 3, generator=torch.Generator().manual_seed(0))
    cvae._noise = gsnn._noise = lambda shape, stream: same
    pair = pair_of(cvae)
    terms = terms_of(cvae, pair)
    assert terms["kl"].item() == 0.0
    assert torch.equal(terms["reconstruction"], total(terms_of(gsnn, pair)))


def test_gsnn_leaves_the_recognition_network_alone_and_says_so(build):
    trainer = build(dataclasses.replace(CONF, alpha=0.0))
    before = [parameter.clone() for parameter in trainer.model.parameter_groups()["recognition"]]
    for _ in range(3):
        trainer.step()
    assert all(map(torch.equal, before, trainer.model.parameter_groups()["recognition"]))
    assert not trainer.model.recognises
    assert build().model.recognises


def test_both_networks_move_under_the_bound(build):
    trainer = build()
    groups = trainer.model.parameter_groups()
    before = {name: [parameter.clone() for parameter in group] for name, group in groups.items()}
    trainer.step()
    for name, group in groups.items():
        assert not all(map(torch.equal, before[name], group)), name


def test_more_samples_average_the_likelihood(build):
    one, many = build(), build(dataclasses.replace(CONF, samples_per_step=400))
    pair = pair_of(one)
    spread = torch.stack([terms_of(one, pair)["reconstruction"] for _ in range(50)])
    averaged = torch.stack([terms_of(many, pair)["reconstruction"] for _ in range(5)])
    assert averaged.std() < spread.std() / 5
    assert abs(averaged.mean() - spread.mean()) < 4 * spread.std() / 50**0.5


def test_the_divergence_weight_and_its_warm_up(build):
    plain, double = build(), build(dataclasses.replace(CONF, kl_weight=2.0))
    pair = pair_of(plain)
    torch.testing.assert_close(terms_of(double, pair)["kl"], 2 * terms_of(plain, pair)["kl"])
    warming = build(dataclasses.replace(CONF, kl_warmup=1))
    assert terms_of(warming, pair)["kl"].item() == 0.0
    warming.clock.done = warming.clock.steps_in_epoch // 2
    torch.testing.assert_close(terms_of(warming, pair)["kl"], 0.5 * terms_of(build(), pair)["kl"])
    warming.clock.done = 5 * warming.clock.steps_in_epoch
    torch.testing.assert_close(terms_of(warming, pair)["kl"], terms_of(build(), pair)["kl"])


def test_the_deterministic_procedure_is_maximum_likelihood_with_the_code_at_its_mean(build):
    conf = DeterministicTrainerConf(epochs=1, batch_size=50)
    trainer = build(conf, trainer_class=DeterministicTrainer)
    pair = pair_of(trainer)
    model = trainer.context.model
    condition = model.condition(pair.x)
    parameters = model.generate(condition, model.prior(condition).mean)
    expected = -model.log_likelihood(parameters, pair.y, None).mean()
    assert torch.equal(total(terms_of(trainer, pair)), expected)
    assert not model.recognises
    assert not model.stochastic


@pytest.mark.parametrize("name", ["val", "test"])
def test_what_is_measured_of_it_has_the_code_at_its_mean_too(build, name):
    """How far codes spread nothing has learned, so drawing some would measure a network nobody trained."""
    conf = DeterministicTrainerConf(epochs=1, batch_size=50)
    trainer = build(conf, trainer_class=DeterministicTrainer)
    for _ in range(5):
        trainer.step()
    model, pairs = trainer.context.model.eval(), trainer.context.data.pairs
    condition = model.condition(pairs.take(torch.arange(60)).x)
    likelihood = model.log_likelihood(model.predict(condition), pairs.take(torch.arange(60)).y, None)
    data = PairEvaluationSet(name, pairs.part(torch.arange(60)), trainer.context.data.shape)
    evaluator = LikelihoodEvaluator(LikelihoodEvaluatorConf(batch_size=25), seed=0)
    metrics = evaluator.measure(model, Fold(trainer.context.data, data), {}).metrics
    assert metrics[f"{name}/NCLL"] == pytest.approx(-likelihood.mean().item(), rel=1e-6)
    measured = {tag.partition("/")[2] for tag in metrics}
    assert measured - {"NCLL_se"} == {"NCLL", "pixel_error"}


def test_the_baseline_learns(build):
    conf = DeterministicTrainerConf(epochs=2, batch_size=50)
    trainer = build(conf, BaselineNNConf(name="nn", hidden=[16]), BaselineNN, DeterministicTrainer)
    (phase,) = trainer.phases()
    assert phase.steps == 48
    losses = [phase.step().terms["loss"].item() for _ in range(phase.steps)]
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_snapshots_are_taken_after_epochs_with_the_same_codes_and_survive_a_resume(build):
    trainer = build()
    (phase,) = trainer.phases()
    assert trainer.shown() == {}
    for _ in range(phase.steps):
        phase.step()
    shown = trainer.shown()
    assert {"epoch_1", "epoch_2", "snapshot_x", "snapshot_y"} == set(shown)
    assert shown["epoch_1"].shape == shown["snapshot_y"].shape
    resumed = build()
    resumed.load_state_dict(trainer.state_dict())
    assert torch.equal(resumed.shown()["epoch_2"], shown["epoch_2"])
    before = {name: stream.clone() for name, stream in trainer.context.streams.state_dict().items()}
    trainer.snapshot(pair_of(trainer))
    assert all(torch.equal(before[name], state) for name, state in trainer.context.streams.state_dict().items())


def test_a_zero_shot_training_set_gives_class_vectors_and_features(records, make_context, build):
    context, fold = make_context(records, CONF, CVAE_CONF, CVAE)
    trainer = build(data=context.data)
    pair = trainer._pairs.take(torch.tensor([0, 5]))
    assert torch.equal(pair.x, fold.train.class_vectors[fold.train.labels[[0, 5]]])
    assert torch.equal(pair.y, fold.train.features.take(torch.tensor([0, 5])))
    trainer.step()


def test_models_without_codes_are_refused(build):
    with pytest.raises(TypeError, match="no codes"):
        build(model_conf=BaselineNNConf(name="nn", hidden=[4]), model_class=BaselineNN)


def test_options_without_effect_are_complained_about():
    keys = {c.key for c in dataclasses.replace(CONF, alpha=0.0, kl_weight=2.0, kl_warmup=1).problems()}
    assert keys == {"kl_weight", "kl_warmup"}
    (problem,) = dataclasses.replace(CONF, kl_warmup=3).problems()
    assert problem.key == "kl_warmup"
    (problem,) = dataclasses.replace(CONF, omission=0.4).fits(CVAE_CONF, DigitsQuadrantConf(name="d"))
    assert problem.key == "omission"


def test_the_learning_rate_falls_in_steps_and_then_in_inverse_proportion_to_time(build):
    """The second is the official code's: lr / (1 + d (t - t0)) after t epochs."""
    optim = ScheduledOptimizerConf(lr=1.0, milestones=[1], lr_decay=0.5, inverse_decay=0.25, inverse_decay_from=2)
    for conf, trainer_class in ((CONF, ConditionalVAETrainer), (DeterministicTrainerConf(), DeterministicTrainer)):
        trainer = build(dataclasses.replace(conf, epochs=5, batch_size=50, optim=optim), trainer_class=trainer_class)
        rates = []
        for _ in range(5 * trainer.clock.steps_in_epoch):
            trainer.step()
            states = trainer.context.optimisers.state_dict()["optimisers"]
            rates += [states[group]["param_groups"][0]["lr"] for group in trainer.groups]
        each = len(rates) // 5
        assert rates == [lr for lr in (1.0, 0.5, 0.5, 0.5 / 1.25, 0.5 / 1.5) for _ in range(each)]


@pytest.mark.parametrize("begin", [3, 4, 5])
def test_a_decay_that_changes_no_rate_is_complained_about(begin):
    optim = ScheduledOptimizerConf(milestones=[2, 7], inverse_decay=1e-3, inverse_decay_from=begin)
    rates = {dataclasses.replace(optim, milestones=[]).lr_after(epochs) for epochs in range(5)}
    conf = dataclasses.replace(CONF, epochs=5, optim=optim)
    found = {c.key: c.message for c in conf.fits(CVAE_CONF, DigitsQuadrantConf(name="digits_quadrant"))}
    assert "[7] are not reached in 5 epochs" in found.pop("optim.milestones")
    too_late = f"{begin} is too late for 5 epochs, the last of which begins after 4"
    assert found == ({} if len(rates) > 1 else {"optim.inverse_decay_from": too_late})
    assert [c.key for c in ScheduledOptimizerConf(inverse_decay_from=3).problems()] == ["inverse_decay_from"]

import dataclasses

import pytest
import torch

from tests.models.test_cada_vae import small
from tests.weights import same, weights_of
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.models.cada_vae.model import CADAVAE
from zsl_runner.models.sgal.model import SGAL
from zsl_runner.models.vzsl.conf import VZSLConf
from zsl_runner.trainers.aligned_vae.conf import AlignedVAETrainerConf, RiseConf
from zsl_runner.trainers.aligned_vae.trainer import AlignedVAETrainer

CONF = AlignedVAETrainerConf(
    epochs=5,
    batch_size=50,  # two steps in an epoch of the 120 rows
    kl=RiseConf(0.0, 0.8),
    cross=RiseConf(0.4, 1.0),
    alignment=RiseConf(0.2, 0.4),
    optim=OptimizerConf(lr=1e-2),
)
FACTORS = {
    "kl": [0.0, 0.25, 0.5, 0.75, 1.0],
    "cross": [0.0, 0.0, 0.0, 1 / 3, 2 / 3],
    "alignment": [0.0, 0.0, 1.0, 1.0, 1.0],
}


def build(make_context, records, conf=CONF, **options):
    context, _ = make_context(records, conf, small(**options), CADAVAE)
    return AlignedVAETrainer(conf, context), context


def test_terms_rise_epoch_by_epoch_to_the_weights_of_the_model(records, make_context):
    trainer, context = build(make_context, records)
    (phase,) = trainer.phases()
    assert (phase.name, phase.steps) == ("fit", 10)
    plain = []
    loss_terms = context.model.loss_terms
    trainer.seen_step._loss_terms = lambda *given: plain.append(loss_terms(*given)) or plain[-1]
    for step in range(phase.steps):
        terms = dict(phase.step().terms)
        loss = terms.pop("loss")
        for name, value in terms.items():
            factor = FACTORS.get(name, [1.0] * 5)[step // 2]
            torch.testing.assert_close(value, factor * plain[-1][name].detach(), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(loss, sum(terms.values()))


def test_a_trained_model_reconstructs_and_aligns(records, make_context):
    conf = dataclasses.replace(CONF, epochs=60)
    trainer, context = build(make_context, records, conf)
    data = context.data
    x, vectors = data.features.take(torch.arange(120)), data.class_vectors[data.labels]

    def errors():
        with torch.no_grad():
            code = context.model.prior(vectors).mean
            return (x - context.model.decode(code)).abs().sum(1).mean(), x.abs().sum(1).mean()

    before, _ = errors()
    (phase,) = trainer.phases()
    for _ in range(phase.steps):
        phase.step()
    after, of_zero = errors()
    assert after < 0.8 * min(before, of_zero)


def test_a_resumed_training_rises_on(records, make_context):
    straight, whole = build(make_context, records)
    (phase,) = straight.phases()
    for _ in range(10):
        phase.step()
    first, early = build(make_context, records)
    (phase,) = first.phases()
    for _ in range(5):
        phase.step()
    second, late = build(make_context, records)
    late.model.load_state_dict(early.model.state_dict())
    late.optimisers.load_state_dict(early.optimisers.state_dict())
    late.streams.load_state_dict(early.streams.state_dict())
    second.load_state_dict(first.state_dict())
    (phase,) = second.phases()
    for _ in range(5):
        phase.step()
    assert same(weights_of(whole), weights_of(late))
    assert second.state_dict()["done"] == 10


@pytest.mark.parametrize(
    ("steps", "missed", "short"),
    [
        (2, "kl and cross and alignment", None),
        (4, "cross and alignment", "kl"),
        (6, "cross", "kl"),
        (7, None, "kl and cross"),
        (9, None, None),
    ],
)
def test_a_training_that_ended_before_a_term_took_part_or_had_risen_says_so(
    records, make_context, steps, missed, short
):
    trainer, _ = build(make_context, records)
    (phase,) = trainer.phases()
    for _ in range(steps):
        phase.step()
    wanted = [(missed, "had no part in the loss"), (short, "had not risen as far as in the last epoch")]
    told = [f": {terms} {what}. " for terms, what in wanted if terms]
    assert [expected in line for expected, line in zip(told, trainer.warnings(), strict=True)] == [True] * len(told)


def test_a_term_that_is_left_out_is_not_missed(records, make_context):
    trainer, _ = build(make_context, records, cross_weight=0.0, alignment_weight=1.0)
    (phase,) = trainer.phases()
    for _ in range(6):
        phase.step()
    (told,) = trainer.warnings()
    assert "of 5: kl had not risen" in told


def test_a_rise_that_would_not_begin_is_refused_and_one_of_no_term_has_no_effect():
    data = XLSA17Conf(name="cub")
    assert not list(CONF.fits(small(), data))
    late = dataclasses.replace(CONF, epochs=1, kl=RiseConf(0.0, 0.5))
    assert [problem.key for problem in late.fits(small(), data)] == ["kl.begin", "cross.begin", "alignment.begin"]
    assert [problem.key for problem in late.fits(small(kl_weight=0.0), data)] == ["cross.begin", "alignment.begin"]
    assert [idle.key for idle in CONF.idle_beside(small(cross_weight=0.0), data)] == ["cross.begin", "cross.end"]
    assert [problem.key for problem in RiseConf(0.5, 0.5).problems()] == ["begin"]


def test_a_model_without_codes_of_class_vectors_is_refused_before_a_run():
    assert not AlignedVAETrainerConf.requires <= VZSLConf.capabilities


def test_another_model_is_refused(records, make_context):
    context, _ = make_context(records, CONF)
    assert isinstance(context.model, SGAL)
    context.model = torch.nn.Linear(1, 1)
    with pytest.raises(TypeError, match="Linear has no codes of features and of class vectors"):
        AlignedVAETrainer(CONF, context)

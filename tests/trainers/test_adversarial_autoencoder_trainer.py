"""Sub-steps of the training of adversarial autoencoders."""

import dataclasses
import math
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from tests.references.adversarial_autoencoder import PlainAdversarialAutoencoder
from tests.weights import differing, hand_over, same, weights_of
from zsl_runner.config.optimizer import ScheduledOptimizerConf
from zsl_runner.config.sections import RuntimeConf
from zsl_runner.data.images.folds import UNLABELLED, ImageTrainingSet, image_folds
from zsl_runner.data.load import load
from zsl_runner.data.sources.digits.conf import DigitsImagesConf
from zsl_runner.data.views import training_rows
from zsl_runner.errors import DataError
from zsl_runner.models.adversarial_autoencoder.conf import AdversarialAutoencoderConf
from zsl_runner.models.adversarial_autoencoder.model import AdversarialAutoencoder
from zsl_runner.models.networks import statistics_kept
from zsl_runner.streams import Streams
from zsl_runner.trainers.adversarial_autoencoder.conf import (
    AdversarialAutoencoderTrainerConf,
    NoiseConf,
    SubStepsConf,
)
from zsl_runner.trainers.adversarial_autoencoder.trainer import AdversarialAutoencoderTrainer
from zsl_runner.training.base import TrainingContext
from zsl_runner.training.optimisers import Optimisers
from zsl_runner.training.runtime import Runtime

SGD = ScheduledOptimizerConf(algorithm="sgd", lr=0.01, momentum=0.9)
CONF = AdversarialAutoencoderTrainerConf(
    epochs=3, batch_size=50, labelled_batch_size=40, optim=SubStepsConf(SGD, SGD, SGD, SGD)
)
SEMI = AdversarialAutoencoderConf(
    name="aae", latent_dim=3, labels="category", hidden=[20, 16], discriminator_hidden=[12], bn="encoder"
)


@pytest.fixture(scope="module")
def training_set():
    conf = DigitsImagesConf(name="digits_images", labelled=100)
    return image_folds(load(conf), conf, CONF, torch.device("cpu")).cut("fit").train


@pytest.fixture
def build(training_set):
    def build(conf=CONF, model_conf=SEMI, data=None, seed=0, runtime=None):
        data, streams = training_rows(data or training_set), Streams(seed)
        model = AdversarialAutoencoder(model_conf, data.shape, streams)
        groups = model.parameter_groups()
        settings = {name: options for name, options in conf.optimisers().items() if name in groups}
        optimisers = Optimisers({name: groups[name] for name in settings}, settings)
        runtime = runtime or Runtime(RuntimeConf(device="cpu"))
        return AdversarialAutoencoderTrainer(conf, TrainingContext(model, data, optimisers, runtime, streams))

    return build


def changed(model, before):
    """Return the parts of the model whose parameters or buffers moved."""
    names = differing(before, model.state_dict())
    return {".".join(name.split(".")[: 2 if name.startswith("encoder") else 1]) for name in names}


def test_each_sub_step_moves_its_own_networks_and_nothing_else_bit_for_bit(build):
    """With batch norm in the encoder: its statistics are the reconstruction's alone."""
    trainer = build()
    model = trainer.model.train()
    batch = trainer.rows.take(torch.arange(50))
    encoder = {"encoder.trunk", "encoder.z_head", "encoder.y_head"}

    before = weights_of(model)
    trainer.reconstruction_step(batch, batch.x)
    assert changed(model, before) == encoder | {"decoder"}

    before = weights_of(model)
    codes = trainer.encode(batch.x)
    assert changed(model, before) == set()
    trainer.discriminator_step(batch, codes)
    assert changed(model, before) == {"discriminator", "category_discriminator"}

    before = weights_of(model)
    trainer.generator_step(batch, codes)
    assert changed(model, before) == encoder

    before = weights_of(model)
    trainer.classification_step(trainer.rows.take_labelled(torch.arange(30)))
    assert changed(model, before) == {"encoder.trunk", "encoder.y_head"}


def test_the_encoder_meets_the_updated_discriminator_with_codes_of_the_updated_encoder(build):
    """Codes made before the discriminators' update are those that would be made again after it."""
    trainer = build()
    model = trainer.model.train()
    batch = trainer.rows.take(torch.arange(50))
    stale = trainer.encode(batch.x).z
    trainer.reconstruction_step(batch, batch.x)
    codes = trainer.encode(batch.x)
    assert not torch.equal(codes.z, stale)
    before = model.judge(codes.z, None)
    trainer.discriminator_step(batch, codes)
    again = trainer.encode(batch.x)
    assert torch.equal(again.z, codes.z)
    assert torch.equal(again.y, codes.y)
    logits = model.judge(again.z, None)
    assert not torch.equal(logits, before)
    terms = trainer.generator_step(batch, codes)
    assert terms["generator"].item() == pytest.approx(F.softplus(-logits).mean().item(), abs=1e-6)


@pytest.mark.parametrize("algorithm", ["sgd", "adam"])
def test_with_one_encoding_a_step_is_that_of_public_code(build, algorithm):
    """pythae and PyTorch-GAN step down one weighted sum with one optimiser of encoder and decoder."""
    lr, scale = 0.01, 0.9
    eps = 1e-3  # with a small one the first steps of Adam are signs of gradients, also of those that are rounding alone
    rates = ScheduledOptimizerConf(algorithm=algorithm, lr=lr, eps=eps)
    conf = dataclasses.replace(CONF, encode="once", game_weight=scale, optim=SubStepsConf(*4 * [rates]))
    sizes = dataclasses.replace(SEMI, labels="none", bn="none", posterior="gaussian")
    trainer, streams = build(conf, sizes), Streams(0)
    optimiser = {"sgd": torch.optim.SGD, "adam": partial(torch.optim.Adam, eps=eps)}[algorithm]
    plain = PlainAdversarialAutoencoder(trainer.model, lr, scale, optimiser)
    for places in torch.arange(150).split(50):
        batch = trainer.rows.take(places)
        noise = trainer.model.posterior_noise(50, streams["posterior"])
        loss, told = plain.step(batch.x, noise, trainer.model.prior.sample(50, streams["prior"]))
        terms = trainer.one_encoding(batch, batch.x)
        torch.testing.assert_close(terms["reconstruction"] + scale * terms["generator"], loss)
        torch.testing.assert_close(terms["discriminator"], told)
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(trainer.model.state_dict()[name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_pythaes_default_is_a_game_weight_of_a_half(build):
    """It weighs the encoder's game and the whole squared error by 0.5 each."""
    conf = dataclasses.replace(CONF, encode="once", game_weight=0.5)
    trainer, minimised = build(conf, dataclasses.replace(SEMI, labels="none", bn="none")), []
    trainer.context.optimisers.minimize = lambda loss, *groups: minimised.append(loss.item())
    batch, model = trainer.rows.take(torch.arange(50)), trainer.model.train()
    trainer.one_encoding(batch, batch.x)
    with torch.no_grad():
        z = model.encode(batch.x, None).z
        squared = F.mse_loss(model.decode(z, None), batch.x, reduction="none").sum(1)
        fooled = F.binary_cross_entropy(model.judge(z, None).sigmoid(), torch.ones(50, 1))
        expected = 0.5 * fooled + (1 - 0.5) * squared.mean()
    assert minimised[0] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("encode", "passes"), [("once", 1), ("twice", 2)])
def test_a_batch_is_encoded_as_often_as_asked_for(build, encode, passes):
    trainer, met = build(dataclasses.replace(CONF, encode=encode)), []
    trainer.model.encoder.register_forward_hook(lambda *_: met.append(1))  # classification asks for logits alone
    before = weights_of(trainer)
    terms = trainer.step().terms
    assert len(met) == passes
    assert changed(trainer.model, before) == {
        "encoder.trunk", "encoder.z_head", "encoder.y_head", "decoder", "discriminator", "category_discriminator"
    }  # fmt: skip
    assert list(terms) == [
        "reconstruction", "discriminator", "category_discriminator", "generator", "category_generator", "classification"
    ]  # fmt: skip
    assert trainer.model.encoder.trunk[1].num_batches_tracked == 1


def test_the_losses_are_those_of_the_paper(build):
    trainer = build(model_conf=dataclasses.replace(SEMI, bn="none"))
    model = trainer.model.train()
    batch = trainer.rows.take(torch.arange(50))
    with torch.no_grad():
        codes = model.encode(batch.x, None)
        decoded = model.decoder(torch.cat([codes.z, codes.logits.softmax(1)], 1))
        expected = 0.5 * (decoded - batch.x).square().sum() / 50
    assert trainer.reconstruction_step(batch, batch.x)["reconstruction"].item() == pytest.approx(
        expected.item(), rel=1e-5
    )
    labelled = trainer.rows.take_labelled(torch.arange(30))
    with torch.no_grad():
        logits = model.encode(labelled.x, None).logits
        nats = -torch.log(logits.softmax(1)[torch.arange(30), labelled.labels]).mean()
    assert trainer.classification_step(labelled)["classification"].item() == pytest.approx(nats.item(), rel=1e-5)


def test_three_optimisers_of_the_encoder_have_states_of_their_own(build):
    adam = ScheduledOptimizerConf()
    trainer = build(dataclasses.replace(CONF, optim=SubStepsConf(adam, adam, adam, adam)))
    trainer.step()
    states = trainer.context.optimisers.state_dict()["optimisers"]
    assert states.keys() == {"reconstruction", "discriminator", "generator", "classification"}
    moments = [states[name]["state"][0]["exp_avg"] for name in ("reconstruction", "generator", "classification")]
    assert all(moment.shape == moments[0].shape for moment in moments)
    assert not any(torch.equal(a, b) for a, b in ((moments[0], moments[1]), (moments[1], moments[2])))


def test_a_sub_step_is_undone_by_a_learning_rate_of_zero(build):
    """So each optimiser minimises its own loss only."""
    still = dataclasses.replace(SGD, lr=0.0)
    for name, parts in (("recon", {"decoder"}), ("disc", {"discriminator", "category_discriminator"})):
        optim = SubStepsConf(still, still, still, still)
        setattr(optim, name, SGD)
        trainer = build(dataclasses.replace(CONF, optim=optim), dataclasses.replace(SEMI, bn="none"))
        before = weights_of(trainer)
        trainer.step()
        assert parts <= changed(trainer.model, before)
        assert bool(changed(trainer.model, before) - parts) == (name == "recon")


def test_learning_rates_fall_at_their_epochs_and_each_by_itself(build):
    semi = ScheduledOptimizerConf(algorithm="sgd", lr=1.0, milestones=[1, 2], lr_decay=0.5)
    disc = dataclasses.replace(semi, lr=0.4, milestones=[2])
    trainer = build(dataclasses.replace(CONF, optim=SubStepsConf(SGD, disc, SGD, semi)))
    assert trainer.clock.steps_in_epoch == 24
    rates = []
    for step in range(3 * 24):
        trainer.step()
        if step % 24 in (0, 23):
            states = trainer.context.optimisers.state_dict()["optimisers"]
            rates.append(tuple(states[n]["param_groups"][0]["lr"] for n in ("classification", "discriminator")))
    assert rates == [(1.0, 0.4)] * 2 + [(0.5, 0.4)] * 2 + [(0.25, 0.2)] * 2


def test_labelled_rows_are_cycled_while_all_rows_are_seen(build, training_set):
    trainer = build()
    positions, labelled = [], []
    draw, draw_labelled = trainer._sampler.draw, trainer._labelled.draw
    trainer._sampler.draw = lambda size: positions.append(draw(size)) or positions[-1]
    trainer._labelled.draw = lambda size: labelled.append(draw_labelled(size)) or labelled[-1]
    reports = [trainer.step() for _ in range(trainer.clock.steps_in_epoch)]
    assert sorted(torch.cat(positions).tolist()) == list(range(1200))
    rounds = torch.cat(labelled).reshape(12, 80)  # 20 of 100 do not fill a third batch
    assert all(len(drawn.unique()) == 80 for drawn in rounds)
    assert len(rounds.unique()) == 100
    assert {report.real_rows for report in reports} == {40}
    known = trainer.rows.take_labelled(torch.arange(100)).labels
    assert known.min() >= 0
    assert torch.bincount(known).tolist() == [10] * 10


def test_the_supervised_variant_sees_labelled_rows_only_and_the_others_all(build, training_set):
    supervised = build(model_conf=dataclasses.replace(SEMI, labels="decoder"))
    assert len(supervised.rows) == 100
    assert supervised.rows.take(torch.arange(100)).is_labelled.all()
    everything = build().rows.take(torch.arange(1200))
    assert everything.is_labelled.sum() == 100
    unlabelled = everything.description[~everything.is_labelled]
    assert torch.equal(unlabelled, torch.zeros_like(unlabelled))
    assert torch.equal(
        everything.description[everything.is_labelled].argmax(1), everything.labels[everything.is_labelled]
    )


def test_unlabelled_rows_never_use_a_label(build, training_set):
    """Hidden labels are not in the training set, and permuting rows' true labels cannot be expressed there."""
    hidden = training_set.labels[training_set.labels != UNLABELLED]
    assert len(hidden) == 100
    without = ImageTrainingSet(
        training_set.images, torch.full_like(training_set.labels, UNLABELLED), training_set.shape
    )
    clusters = dataclasses.replace(SEMI, labels="none", n_clusters=6)
    runs = [build(model_conf=clusters, data=data) for data in (training_set, without)]
    for trainer in runs:
        for _ in range(3):
            assert trainer.step().real_rows == 0
    one, other = (weights_of(trainer) for trainer in runs)
    assert same(one, other)


@pytest.mark.parametrize("labels", ["decoder", "category"])
def test_a_variant_that_needs_labels_says_so(build, training_set, labels):
    without = ImageTrainingSet(
        training_set.images, torch.full_like(training_set.labels, UNLABELLED), training_set.shape
    )
    with pytest.raises(DataError, match=f"model.labels={labels} learns from rows with a label.*found 0"):
        build(model_conf=dataclasses.replace(SEMI, labels=labels), data=without)


def test_a_single_image_is_refused_where_a_batch_norm_needs_two(build, training_set):
    first = torch.zeros(1, dtype=torch.int64)
    lone = ImageTrainingSet(training_set.images.part(first), training_set.labels[first], training_set.shape)
    clusters = dataclasses.replace(SEMI, labels="none", n_clusters=6)
    with pytest.raises(DataError, match=r"two rows or more; found 1 training row .* choose model\.bn=none"):
        build(model_conf=clusters, data=lone)
    build(model_conf=dataclasses.replace(clusters, bn="none"), data=lone).step()


def test_noise_and_dropout_change_what_the_encoder_sees_and_not_what_it_reconstructs(build):
    trainer = build(dataclasses.replace(CONF, noise=NoiseConf(std=0.3), input_dropout=0.2))
    x = torch.full((400, 784), 0.5)
    seen = trainer._corrupted(x)
    kept = seen != 0
    assert kept.float().mean().item() == pytest.approx(0.8, abs=0.005)
    assert (seen[kept] * 0.8).mean().item() == pytest.approx(0.5, abs=0.005)
    assert (seen[kept] * 0.8).std().item() == pytest.approx(0.3, abs=0.005)
    assert torch.equal(trainer._blurred(x), x)
    assert torch.equal(x, torch.full((400, 784), 0.5))


def test_labelled_rows_are_classified_with_the_same_noise(build):
    losses = []
    for options in ({}, {"noise": NoiseConf(std=3.0)}, {"input_dropout": 0.9}):
        trainer = build(dataclasses.replace(CONF, **options))
        losses.append(
            trainer.classification_step(trainer.rows.take_labelled(torch.arange(40)))["classification"].item()
        )
    assert len(set(losses)) == 3


def test_noise_at_the_discriminators_leaves_the_input_alone(build):
    trainer = build(dataclasses.replace(CONF, noise=NoiseConf(where="discriminator", std=0.3)))
    x = torch.full((400, 784), 0.5)
    assert torch.equal(trainer._corrupted(x), x)
    assert trainer._blurred(x).std().item() == pytest.approx(0.3, abs=0.005)
    plain = build()
    first, second = trainer.step().terms, plain.step().terms
    assert torch.equal(first["reconstruction"], second["reconstruction"])
    assert not torch.equal(first["discriminator"], second["discriminator"])


@pytest.mark.parametrize("encode", ["twice", "once"])
def test_the_scale_of_the_prior_changes_the_unit_of_z_alone_also_beside_noise(build, encode):
    """Four is a power of two, so that no product is rounded."""
    conf = dataclasses.replace(CONF, noise=NoiseConf("discriminator", 0.3), encode=encode)
    one, four = (build(conf, dataclasses.replace(SEMI, prior_scale=scale)) for scale in (1.0, 4.0))
    for _ in range(3):
        assert one.step().terms == four.step().terms
    assert same(one.model.state_dict(), four.model.state_dict())


def test_the_true_label_replaces_the_category_where_it_is_known(build):
    told = dataclasses.replace(SEMI, bn="none", true_label_in_decoder=True)
    trainer = build(model_conf=told)
    batch = trainer.rows.take(torch.arange(1200))
    model = trainer.model.train()
    with torch.no_grad():
        codes = model.encode(batch.x, None)
        beside = codes.y.clone()
        beside[batch.is_labelled] = batch.description[batch.is_labelled]
        expected = 0.5 * (model.decode(codes.z, beside) - batch.x).square().sum(1).mean()
        plain = 0.5 * (model.decode(codes.z, codes.y) - batch.x).square().sum(1).mean()
    found = trainer.reconstruction_step(batch, batch.x)["reconstruction"]
    torch.testing.assert_close(found, expected)
    assert not math.isclose(found.item(), plain.item(), rel_tol=1e-5)


def test_statistics_kept_normalises_by_the_batch_and_learns_nothing():
    norm = torch.nn.BatchNorm1d(3)
    x = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)) * 5 + 2
    with statistics_kept(norm):
        out = norm(x)
    assert torch.equal(norm.running_mean, torch.zeros(3))
    assert norm.num_batches_tracked == 0
    torch.testing.assert_close(out, (x - x.mean(0)) / (x.var(0, correction=0) + norm.eps).sqrt())
    norm(x)
    assert norm.num_batches_tracked == 1


@pytest.mark.parametrize(
    "model_conf",
    [
        dataclasses.replace(SEMI, posterior="gaussian"),
        dataclasses.replace(SEMI, labels="none", posterior="universal"),
        dataclasses.replace(SEMI, labels="discriminator", prior="swiss_roll", latent_dim=2),
        dataclasses.replace(SEMI, code="sum", bn="all"),
    ],
)
def test_a_paused_training_goes_on_to_the_same_bits(build, model_conf):
    conf = dataclasses.replace(CONF, noise=NoiseConf(std=0.3), input_dropout=0.1)

    def run(pause):
        trainer = build(conf, model_conf)
        for step in range(30):
            if step == pause:
                stopped, trainer = trainer, build(conf, model_conf, seed=9)
                hand_over(stopped, trainer)
            trainer.step()
        return weights_of(trainer)

    straight, paused = run(None), run(26)
    assert same(straight, paused)


def test_mixed_precision_keeps_weights_and_losses_in_float32(build):
    trainer = build(runtime=Runtime(RuntimeConf(device="cpu", precision="bf16")))
    terms = trainer.step().terms
    assert all(term.dtype == torch.float32 for term in terms.values())
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters())
    exact = build().step().terms
    for name, term in terms.items():
        assert term.item() == pytest.approx(exact[name].item(), rel=0.05), name


def test_milestones_that_are_never_reached_are_complained_about():
    late = ScheduledOptimizerConf(milestones=[2, 5])
    conf = dataclasses.replace(CONF, epochs=5, optim=SubStepsConf(recon=late))
    (problem,) = conf.fits(SEMI, DigitsImagesConf())
    assert problem.key == "optim.recon.milestones"
    assert "[5] are not reached in 5 epochs" in problem.message
    assert [c.key for c in ScheduledOptimizerConf(milestones=[3, 2]).problems()] == ["milestones"]


@pytest.mark.parametrize(
    ("labels", "encode", "checked"),
    [
        ("category", "twice", ["recon", "disc", "gen", "semi"]),
        ("none", "twice", ["recon", "disc", "gen"]),
        ("discriminator", "twice", ["recon", "disc", "gen"]),
        ("category", "once", ["recon", "disc", "semi"]),
        ("decoder", "once", ["recon", "disc"]),
    ],
)
def test_milestones_of_an_optimiser_that_does_nothing_may_be_late(labels, encode, checked):
    late = ScheduledOptimizerConf(milestones=[5])
    conf = dataclasses.replace(CONF, epochs=5, encode=encode, optim=SubStepsConf(late, late, late, late))
    found = conf.fits(dataclasses.replace(SEMI, labels=labels), DigitsImagesConf())
    assert [problem.key for problem in found] == [f"optim.{name}.milestones" for name in checked]

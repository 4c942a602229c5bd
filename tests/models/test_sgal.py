import dataclasses

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal

from tests.models.batches import random_batch
from tests.models.contract import ModelContract
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.models.base import GenerationOptions
from zsl_runner.models.network_conf import MLPConf
from zsl_runner.models.sgal.conf import DecoderConf, EncoderConf, MarginConf, PriorConf, SGALConf
from zsl_runner.models.sgal.model import SGAL
from zsl_runner.objectives.gaussian import kl_divergence, reparameterise, squared_error
from zsl_runner.objectives.margin import prior_separation
from zsl_runner.streams import Streams

AWA1 = ZeroShotShape(features=2048, class_vector=85, classes=50)
SHAPE = ZeroShotShape(features=12, class_vector=5, classes=9)


def small(**changes):
    conf = SGALConf(
        latent_dim=4,
        encoder=EncoderConf(hidden=[16], dropout=0.2),
        decoder=DecoderConf(hidden=[16], dropout=0.2),
        prior=PriorConf(hidden=[8], dropout=0.1),
        margin=MarginConf(weight=0.01, per_dim=1.0, pairs="batch_diff"),
    )
    return dataclasses.replace(conf, **changes)


def linear(**changes):
    """Every network one affine map, so that all distributions are known in closed form."""
    conf = SGALConf(
        latent_dim=3,
        encoder=EncoderConf(hidden=[]),
        prior=PriorConf(layers=1, const_log_var=-0.4),
        margin=MarginConf(weight=0.0),
    )
    return dataclasses.replace(conf, **changes)


class TestSGALContract(ModelContract):
    def conf(self):
        return small()


class TestSGALLearnedVarianceContract(ModelContract):
    def conf(self):
        return small(
            prior=PriorConf(hidden=[8], dropout=0.1, const_log_var=None),
            margin=MarginConf(weight=0.001, per_dim=1.0, pairs="classes"),
            rule="density",
        )


class TestSGALReleasedShapeContract(ModelContract):
    """One affine decoder, all pairs in the margin."""

    def conf(self):
        return small(decoder=MLPConf(dropout=0.5), margin=MarginConf(weight=1e-4))


def test_released_configuration_has_the_released_number_of_parameters():
    model = SGAL(SGALConf(), AWA1, Streams(0))
    counts = [sum(p.numel() for p in part.parameters()) for part in (model.encoder, model.decoder, model.prior_network)]
    assert counts == [1_115_776, 133_120, 33_999]
    assert sum(p.numel() for p in model.parameters()) == 1_282_895
    widths = [layer.out_features for layer in model.prior_network.mean if isinstance(layer, nn.Linear)]
    assert widths == [81, 77, 73, 70, 67, 64]


def test_learned_variance_is_a_second_tower_of_its_own():
    constant = SGAL(SGALConf(), AWA1, Streams(0))
    learned = SGAL(SGALConf(prior=PriorConf(const_log_var=None)), AWA1, Streams(0))
    towers = [sum(p.numel() for p in model.prior_network.parameters()) for model in (constant, learned)]
    assert towers == [33_999, 2 * 33_999]
    assert not set(map(id, learned.prior_network.mean.parameters())) & set(
        map(id, learned.prior_network.log_var.parameters())
    )


def test_hidden_widths_of_the_prior_replace_the_geometric_ones():
    model = SGAL(SGALConf(prior=PriorConf(hidden=[512])), AWA1, Streams(0))
    linears = [layer for layer in model.prior_network.mean if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linears] == [(85, 512), (512, 64)]


def test_loss_is_reconstruction_plus_kl_plus_margin():
    """Recomputed from the networks' outputs with the model's own noise, without dropout and batch norm."""
    quiet = {"dropout": 0.0, "batch_norm": False}
    conf = small(
        encoder=EncoderConf(hidden=[16], **quiet),
        decoder=DecoderConf(**quiet),
        prior=PriorConf(hidden=[8], **quiet),
        reconstruction_weight=0.3,
        kl_weight=2.0,
    )
    model, (x, labels, vectors, seen) = SGAL(conf, SHAPE, Streams(7)), random_batch(SHAPE)
    terms = model.loss_terms(x, labels, vectors, seen)
    noise = torch.randn(24, 4, generator=Streams(7)["noise"])
    mean, log_var = model.encoder(x).chunk(2, dim=1)
    prior_mean, zero = model.prior_network.mean(vectors[labels]), torch.zeros(1, 4)
    expected = {
        "reconstruction": 0.3 * squared_error(x, model.decoder(reparameterise(mean, log_var, noise))),
        "kl": 2.0 * kl_divergence(mean, log_var, prior_mean, zero).mean(),
        "margin": prior_separation(prior_mean, zero, labels, weight=0.01, per_dim=1.0),
    }
    assert terms.keys() == expected.keys()
    for name, term in terms.items():
        torch.testing.assert_close(term, expected[name], msg=name)


def test_a_margin_sees_the_whole_batch_and_the_gaussians_of_its_codes(monkeypatch):
    x, labels, vectors, seen = random_batch(SHAPE)
    weights, batches = torch.linspace(0.5, 1.5, len(x)), []
    monkeypatch.setattr(SGAL, "margin_terms", lambda model, batch: batches.append(batch) or {})
    model = SGAL(small(prior=PriorConf(hidden=[], const_log_var=0.0)), SHAPE, Streams(0)).eval()
    assert model.loss_terms(x, labels, vectors, seen, weights).keys() == {"reconstruction", "kl"}
    (batch,) = batches
    handed = (batch.labels, batch.class_vectors, batch.classes_with_rows, batch.row_weights)
    assert all(found is given for found, given in zip(handed, (labels, vectors, seen, weights), strict=True))
    for found, expected in ((batch.posterior, model.encode(x)), (batch.prior, model.prior(vectors[labels]))):
        assert torch.equal(found.mean, expected.mean)
        assert torch.equal(found.log_var, expected.log_var)


def test_pairs_of_the_margin():
    quiet = PriorConf(hidden=[8], dropout=0.0, batch_norm=False)
    x, labels, vectors, seen = random_batch(SHAPE)
    found, options = {}, {"weight": 0.01, "per_dim": 1.0}
    for pairs in ("batch_all", "batch_diff", "classes"):
        model = SGAL(small(prior=quiet, margin=MarginConf(pairs=pairs, **options)), SHAPE, Streams(0))
        found[pairs] = model.loss_terms(x, labels, vectors, seen)["margin"]
    rows, classes = model.prior(vectors[labels]), model.prior(vectors)
    torch.testing.assert_close(found["batch_all"], prior_separation(*rows, **options))
    torch.testing.assert_close(found["batch_diff"], prior_separation(*rows, labels, **options))
    torch.testing.assert_close(found["classes"], prior_separation(*classes, torch.arange(9), **options))
    assert found["batch_all"] > found["batch_diff"] > 0


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"margin": MarginConf(weight=0.0)}, "margin"),
        ({"kl_weight": 0.0}, "kl"),
        ({"reconstruction_weight": 0.0}, "reconstruction"),
    ],
)
def test_a_weight_of_zero_leaves_the_term_out(changes, missing):
    terms = SGAL(small(**changes), SHAPE, Streams(0)).loss_terms(*random_batch(SHAPE))
    assert terms.keys() == {"reconstruction", "kl", "margin"} - {missing}


def test_a_loss_without_both_main_terms_is_reported():
    assert [c.key for c in small(reconstruction_weight=0.0, kl_weight=0.0).problems()] == ["reconstruction_weight"]
    assert not list(small().problems())


def test_a_fixed_prior_has_no_margin_and_no_dropout():
    model = SGAL(small(), SHAPE, Streams(0)).train()
    model.fix_prior()
    assert model.loss_terms(*random_batch(SHAPE)).keys() == {"reconstruction", "kl"}
    vectors = random_batch(SHAPE)[2]
    assert torch.equal(model.prior(vectors).mean, model.prior(vectors).mean)
    assert model.encoder.training
    assert model.train().prior_network.training
    assert model.loss_terms(*random_batch(SHAPE)).keys() == {"reconstruction", "kl", "margin"}


def test_rules_agree_if_all_classes_share_one_variance():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(10_000, 12, generator=generator, dtype=torch.float64)
    vectors = torch.rand(9, 5, generator=generator, dtype=torch.float64)
    winners = []
    for rule in ("nearest_prior_mean", "density", "kl"):
        model = SGAL(small(rule=rule, prior=PriorConf(hidden=[8], const_log_var=0.7)), SHAPE, Streams(3)).double()
        winners.append(model.eval().class_scores(x, vectors).argmax(1))
    assert torch.equal(winners[0], winners[1])
    assert torch.equal(winners[0], winners[2])
    assert len(winners[0].unique()) > 1


def one_dimensional(rule, means, log_vars):
    """A model on the line that passes x through as code with variance 1, and has the given class priors."""
    conf = linear(latent_dim=1, rule=rule, prior=PriorConf(layers=1, const_log_var=None))
    model = SGAL(conf, ZeroShotShape(1, len(means), len(means)), Streams(0)).eval()
    with torch.no_grad():
        model.encoder[0].weight.copy_(torch.tensor([[1.0], [0.0]]))
        model.prior_network.mean[0].weight.copy_(torch.tensor([means]))
        model.prior_network.log_var[0].weight.copy_(torch.tensor([log_vars]))
    return model


@pytest.mark.parametrize(
    ("x", "log_vars", "winners"),
    [
        # Distances 1.4 and 1.6; but under variance 0.01 the point lies 14 deviations from the nearer mean.
        (1.4, [-4.60517, 0.0], {"nearest_prior_mean": 0, "density": 1, "kl": 1}),
        # Density prefers the narrow prior 0 (variance 1/4) to 1 (variance 4); the posterior's own variance 1 does not
        # fit into it: KL 1.307 against 1.099.
        (0.5, [-1.38629, 1.38629], {"nearest_prior_mean": 0, "density": 0, "kl": 1}),
    ],
)
def test_rules_differ_if_variances_do_and_the_configured_one_decides(x, log_vars, winners):
    for rule, winner in winners.items():
        scores = one_dimensional(rule, [0.0, 3.0], log_vars).class_scores(torch.tensor([[x]]), torch.eye(2))
        assert scores.argmax().item() == winner, rule


@pytest.mark.parametrize("rule", ["nearest_prior_mean", "density", "kl"])
def test_fewer_candidates_never_lose_a_right_answer(rule):
    model = SGAL(small(rule=rule, prior=PriorConf(hidden=[8], const_log_var=None)), SHAPE, Streams(1)).eval()
    x, _, vectors, _ = random_batch(SHAPE, rows=500)
    unseen = torch.arange(6, 9)
    truth = unseen[torch.arange(500) % 3]
    right = model.class_scores(x, vectors).argmax(1) == truth
    right_among_unseen = unseen[model.class_scores(x, vectors[unseen]).argmax(1)] == truth
    assert right.any()
    assert (right <= right_among_unseen).all()


def linear_model(variance):
    """A linear model with orthogonal decoder columns, so that the exact posterior is diagonal."""
    model = SGAL(linear(reconstruction_weight=1 / (2 * variance)), SHAPE, Streams(11)).double()
    with torch.no_grad():
        columns = torch.linalg.qr(torch.randn(12, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)).Q
        model.decoder[0].weight.copy_(columns * torch.tensor([0.5, 1.0, 2.0]))
        model.decoder[0].bias.copy_(torch.linspace(-1, 1, 12))
        model.encoder[0].weight.zero_()
    return model


def evidence_lower_bound(model, x, vector, mean, log_var, variance):
    """The model's own loss as a bound on log p(x | a), for the posterior N(mean, exp(log_var)).

    The squared error is quadratic in the noise, so the mean over the 2 d points +-sqrt(d) e_j is its exact expectation.
    """
    with torch.no_grad():
        model.encoder[0].bias.copy_(torch.cat([mean, log_var]))
    points = 3**0.5 * torch.cat([torch.eye(3), -torch.eye(3)]).double()
    model.noise = lambda like: points
    rows = len(points)
    terms = model.loss_terms(x.expand(rows, -1), torch.zeros(rows, dtype=torch.long), vector, torch.tensor([0]))
    constant = 6 * torch.log(torch.tensor(2 * torch.pi * variance, dtype=torch.float64))
    return -(sum(terms.values()) + constant).item()


@pytest.mark.parametrize("variance", [0.5, 2.0])
def test_the_loss_bounds_the_exact_likelihood_of_a_linear_decoder(variance):
    r"""p(x | a) = N(W mu + b, W diag(v) W^T + s^2 I); the bound is met by q = p(z | x, a).

    With orthogonal columns w_j the posterior is diagonal: variance 1 / (1 / v_j + |w_j|^2 / s^2), mean that times
    (mu_j / v_j + w_j^T (x - b) / s^2).
    """
    model = linear_model(variance)
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(1, 12, generator=generator, dtype=torch.float64)
    vector = torch.rand(1, 5, generator=generator, dtype=torch.float64)
    weight, bias = model.decoder[0].weight.detach(), model.decoder[0].bias.detach()
    prior = model.prior(vector)
    mu, v = prior.mean[0].detach(), prior.log_var[0].exp()
    covariance = (weight * v) @ weight.T + variance * torch.eye(12, dtype=torch.float64)
    exact = MultivariateNormal(weight @ mu + bias, covariance).log_prob(x).item()

    posterior_variance = 1 / (1 / v + weight.square().sum(0) / variance)
    posterior_mean = posterior_variance * (mu / v + (x - bias)[0] @ weight / variance)
    met = evidence_lower_bound(model, x, vector, posterior_mean, posterior_variance.log(), variance)
    assert met == pytest.approx(exact, rel=1e-10)
    for _ in range(50):
        shift, widen = torch.randn(2, 3, generator=generator, dtype=torch.float64)
        bound = evidence_lower_bound(
            model, x, vector, posterior_mean + shift, posterior_variance.log() + widen, variance
        )
        assert bound < exact


def test_generated_rows_have_the_mean_and_covariance_of_the_decoded_prior():
    """W mu + b and W diag(v) W^T, without s^2 I: the decoder's mean is emitted. 1e5 draws, 5 standard errors."""
    model, draws = linear_model(0.5), 100_000
    vector = torch.rand(1, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x = model.synthesize(vector.expand(draws, -1), Streams(4), GenerationOptions())
    weight, bias = model.decoder[0].weight.detach(), model.decoder[0].bias.detach()
    prior = model.prior(vector)
    mean, covariance = weight @ prior.mean[0].detach() + bias, (weight * prior.log_var[0].exp()) @ weight.T
    variances = covariance.diagonal()
    assert ((x.mean(0) - mean).abs() < 5 * (variances / draws).sqrt()).all()
    standard_errors = ((variances.outer(variances) + covariance.square()) / draws).sqrt()
    assert ((torch.cov(x.T) - covariance).abs() < 5 * standard_errors).all()


def test_observation_noise_adds_its_variance():
    model = linear_model(0.5)
    vector = torch.zeros(20_000, 5, dtype=torch.float64)
    plain = model.synthesize(vector, Streams(4), GenerationOptions())
    noisy = model.synthesize(vector, Streams(4), GenerationOptions(noise=0.5))
    assert (noisy - plain).std().item() == pytest.approx(0.5, rel=0.01)


def distinct_copies(conf, shape, **options):
    model = SGAL(conf, shape, Streams(0)).train()
    x = model.synthesize(torch.rand(1, shape.class_vector), Streams(1), GenerationOptions(copies=5, **options))
    return len(x.unique(dim=0))


def test_monte_carlo_dropout_makes_copies_differ_only_with_a_hidden_decoder_layer():
    assert distinct_copies(small(), SHAPE, decoder_dropout=True) == 5
    assert distinct_copies(small(), SHAPE) == 1
    assert distinct_copies(small(), SHAPE, prior_dropout=True) == 1
    assert distinct_copies(SGALConf(), AWA1, decoder_dropout=True) == 1


def test_copy_c_of_draw_i_stands_at_row_c_n_plus_i():
    model, vectors = SGAL(small(), SHAPE, Streams(0)), random_batch(SHAPE)[2]
    x = model.synthesize(vectors, Streams(1), GenerationOptions(copies=3))
    assert torch.equal(x[:9], x[9:18])
    assert torch.equal(x[:9], x[18:])


def test_prior_dropout_moves_the_draws_and_its_rate_can_be_changed():
    model, vectors = SGAL(small(), SHAPE, Streams(0)), random_batch(SHAPE)[2]

    def draw():
        return model.synthesize(vectors, Streams(1), GenerationOptions(prior_dropout=True))

    model.set_prior_dropout(0.5)
    dropped = draw()
    model.set_prior_dropout(0.0)
    assert not torch.equal(draw(), dropped)
    assert [layer.rate for layer in model.encoder if hasattr(layer, "rate")] == [0.2]


def test_priors_without_dropout_are_equal_for_rows_of_one_class():
    """Then all pairs of one class in the margin carry no gradient, as in the released second stage."""
    model = SGAL(small(), SHAPE, Streams(0)).train()
    model.set_prior_dropout(0.0)
    _, labels, vectors, _ = random_batch(SHAPE)
    prior = model.prior(vectors[labels])
    means = prior.mean[labels == 1]
    # The last bits of a row may depend on its place in the matrix, on some processors; dropout would show far above.
    torch.testing.assert_close(means, means[:1].expand_as(means), rtol=0.0, atol=1e-6)


def test_bfloat16_autocast_keeps_the_objective_in_single_precision():
    model = SGAL(small(), SHAPE, Streams(0)).train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = model.loss_terms(*random_batch(SHAPE))
    assert all(term.dtype == torch.float32 and term.isfinite() for term in terms.values())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_compiled_loss_equals_the_plain_one():
    expected = SGAL(small(), SHAPE, Streams(0)).train().loss_terms(*random_batch(SHAPE))
    compiled = torch.compile(SGAL(small(), SHAPE, Streams(0)).train().loss_terms, backend="aot_eager")
    for name, term in compiled(*random_batch(SHAPE)).items():
        torch.testing.assert_close(term, expected[name])


def test_reading_a_class_twice_gives_the_same_prior_in_inference_mode():
    model, vectors = SGAL(small(), SHAPE, Streams(0)).eval(), random_batch(SHAPE)[2]
    torch.testing.assert_close(model.prior(vectors[[3, 3]]).mean[0], model.prior(vectors).mean[3])

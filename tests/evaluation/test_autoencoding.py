"""Prior match, clusters, regressions and likelihood of autoencoders of images."""

import dataclasses
import math

import pytest
import torch

from tests.weights import same, weights_of
from zsl_runner.config.schema import TrainerConf
from zsl_runner.data.images.folds import UNLABELLED, ImageFold, LabelledImages, image_folds
from zsl_runner.data.load import load
from zsl_runner.data.sources.digits.conf import DigitsImagesConf
from zsl_runner.data.views import RowShape, training_rows
from zsl_runner.evaluation.autoencoding import evaluator
from zsl_runner.evaluation.autoencoding.conf import AutoencodingEvaluatorConf, ParzenConf, PriorMatchConf
from zsl_runner.evaluation.autoencoding.encoding import Encoded, beside_z, encode, generated
from zsl_runner.evaluation.autoencoding.evaluator import AutoencodingEvaluator, cluster_errors, label_from_z
from zsl_runner.evaluation.autoencoding.figures import nearest, outlines, walk
from zsl_runner.evaluation.autoencoding.prior_match import (
    OF_SEVERAL,
    category_metrics,
    classifier_accuracy,
    kernel_metrics,
    moment_metrics,
    part_metrics,
)
from zsl_runner.models.adversarial_autoencoder.conf import AdversarialAutoencoderConf
from zsl_runner.models.adversarial_autoencoder.model import AdversarialAutoencoder
from zsl_runner.models.latent_priors import LatentPrior
from zsl_runner.objectives.parzen import parzen_log_density
from zsl_runner.streams import Streams, derived_seed

CONF = AutoencodingEvaluatorConf(
    name="autoencoding",
    prior_match=PriorMatchConf(rows=100, permutations=20, classifier_epochs=2),
    parzen=ParzenConf(samples=50, sigmas=[0.2, 0.5], validation_rows=40),
)
MODEL = AdversarialAutoencoderConf(name="aae", latent_dim=2, hidden=[30], discriminator_hidden=[8])


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def stages():
    conf = DigitsImagesConf(name="digits_images", labelled=100)
    return image_folds(load(conf), conf, TrainerConf(), torch.device("cpu"))


@pytest.fixture
def build(stages):
    def build(**options):
        shape = training_rows(stages.cut("fit").train).shape
        return AdversarialAutoencoder(dataclasses.replace(MODEL, **options), shape, Streams(0))

    return build


class TestPriorMatch:
    def test_draws_of_the_prior_pass_every_test_and_shifted_ones_fail(self):
        prior = LatentPrior("normal", 3, 5.0)
        draws, own = prior.sample(4000, rng(0)), prior.sample(4000, rng(1))
        good = moment_metrics(own, prior, draws)
        assert good["mean_shift"] < 0.1
        assert good["std_ratio"] < 0.1
        assert good["ks"] < 0.05
        assert good["correlation"] < 0.1
        kernel = kernel_metrics(own[:500], draws[:500], 100, rng(2))
        assert kernel["mmd_p"] > 0.01
        assert classifier_accuracy(own, draws, 5, Streams(0), "c2st") < 60
        wrong = own.clone()
        wrong[:, 1] = 2 * (wrong[:, 0] - wrong[:, 0].mean()) + 5
        bad = moment_metrics(wrong, prior, draws)
        assert bad["mean_shift"] == pytest.approx(1.0, abs=0.05)
        assert bad["std_ratio"] == pytest.approx(1.0, abs=0.05)
        assert bad["correlation"] == pytest.approx(1.0, abs=0.05)
        assert bad["ks"] > 0.2
        apart = kernel_metrics(wrong[:500], draws[:500], 100, rng(2))
        assert apart["mmd_p"] == pytest.approx(1 / 101)
        assert apart["mmd"] > 5 * apart["mmd_null"] > 0
        assert classifier_accuracy(wrong, draws, 5, Streams(0), "c2st") > 85

    def test_narrow_codes_on_the_other_side_are_as_wrong_as_wide_ones(self):
        """A code that has collapsed is narrower than the prior, and its mean may lie below."""
        prior = LatentPrior("normal", 2, 5.0)
        draws = prior.sample(4000, rng(0))
        found = moment_metrics(0.25 * prior.sample(4000, rng(1)) * torch.tensor([1.0, -1.0]) - 5.0, prior, draws)
        assert found["std_ratio"] == pytest.approx(0.75, abs=0.02)
        assert found["mean_shift"] == pytest.approx(1.0, abs=0.02)

    def test_the_order_of_the_codes_tells_the_classifier_nothing(self):
        """Halves by order would be of other classes than each other, and the accuracy about 25."""
        prior = LatentPrior("gmm10", 2)
        ordered = prior.sample_parts(torch.arange(10).repeat_interleave(200), rng())
        found = classifier_accuracy(ordered, prior.sample(2000, rng(1)), 10, Streams(0), "c2st")
        assert found == pytest.approx(50, abs=4)

    def test_one_dimension_has_no_correlation(self):
        prior = LatentPrior("uniform", 1, 1.0)
        metrics = moment_metrics(prior.sample(500, rng()), prior, prior.sample(500, rng(1)))
        assert metrics["correlation"] == 0

    def test_a_dimension_that_never_varies_has_no_correlation(self):
        prior = LatentPrior("normal", 3)
        codes = prior.sample(5000, rng())
        codes[:, 1] = 0
        metrics = moment_metrics(codes, prior, prior.sample(5000, rng(1)))
        assert metrics["std_ratio"] == 1
        assert metrics["correlation"] < 0.05

    def test_a_prior_with_correlations_of_its_own(self):
        prior = LatentPrior("swiss_roll", 2)
        metrics = moment_metrics(prior.sample(20_000, rng()), prior, prior.sample(20_000, rng(1)))
        assert max(metrics.values()) < 0.03

    def test_without_permutations_there_is_no_p_value(self):
        assert kernel_metrics(torch.zeros(4, 2), torch.ones(4, 2), 0, rng()).keys() == {"mmd"}

    @pytest.mark.parametrize(
        ("y", "confidence", "entropy"),
        [
            ([[1.0, 0.0], [0.0, 1.0]], 1.0, math.log(2)),
            ([[1.0, 0.0], [1.0, 0.0]], 1.0, 0.0),
            ([[0.5, 0.5], [0.5, 0.5]], 0.5, math.log(2)),
            # The mean is (0.7, 0.2, 0.1).
            ([[0.6, 0.4, 0.0], [0.8, 0.0, 0.2]], 0.7, -0.7 * math.log(0.7) - 0.2 * math.log(0.2) - 0.1 * math.log(0.1)),
        ],
    )
    def test_categories_by_hand(self, y, confidence, entropy):
        """One-hot codes of one category are as confident as those of all; only the entropy tells them apart."""
        found = category_metrics(torch.tensor(y))
        assert found == {"confidence": pytest.approx(confidence), "entropy": pytest.approx(entropy, abs=1e-6)}

    def test_parts(self):
        prior = LatentPrior("gmm10", 2)
        labels = torch.arange(10).repeat(100)
        metrics = part_metrics(prior.sample_parts(labels, rng()), labels, prior)
        assert metrics["part_accuracy"] > 95
        assert 9 < metrics["part_share_min"] <= 10 <= metrics["part_share_max"] < 11
        shifted = part_metrics(prior.sample_parts(labels, rng()), (labels + 1) % 10, prior)
        assert shifted["part_accuracy"] < 5

    @pytest.mark.parametrize("name", ["gmm10", "swiss_roll"])
    @pytest.mark.parametrize("classes", [2, 5])
    def test_draws_of_as_many_parts_as_classes_pass_every_test(self, name, classes):
        """As training sets them beside codes of labelled and unlabelled rows."""
        conf = dataclasses.replace(MODEL, labels="discriminator", prior=name)
        model = AdversarialAutoencoder(conf, RowShape(16, classes, classes), Streams(0))
        labels = torch.arange(classes).repeat(4000 // classes)
        unlabelled = torch.full_like(labels, UNLABELLED)
        draws = model.prior.sample(4000, rng(2))
        for own in (model.prior_codes(labels, rng(0)), model.prior_codes(unlabelled, rng(1))):
            assert max(moment_metrics(own, model.prior, draws).values()) < 0.05
            assert kernel_metrics(own[:500], draws[:500], 100, rng(3))["mmd_p"] > 0.01
            assert classifier_accuracy(own, draws, 5, Streams(0), "c2st") < 55
        metrics = part_metrics(model.prior_codes(labels, rng(4)), labels, model.prior)
        assert metrics["part_accuracy"] > 95
        assert 0.9 < metrics["part_share_min"] * classes / 100 <= 1 <= metrics["part_share_max"] * classes / 100 < 1.1


def codes(clusters, labels, count, z=None):
    logits = 2.0 * torch.nn.functional.one_hot(torch.tensor(clusters), count)
    return Encoded(
        torch.zeros(len(labels), 1) if z is None else z, logits, torch.tensor(labels), torch.zeros(len(labels))
    )


class TestClasses:
    def test_mappings_are_fitted_on_one_set_and_scored_on_the_other(self):
        fitted = codes([0, 0, 0, 1, 1, 2], [7, 7, 3, 3, 3, 7], 3)
        fitted.logits[2, 0] = 5  # the surest image of cluster 0 is a 3
        scored = codes([0, 0, 1, 2], [7, 7, 3, 7], 3)
        found = cluster_errors(fitted, scored, 8)
        assert found["error_majority"] == 0
        assert found["error_exemplar"] == 50  # both of cluster 0 are called 3
        assert found["error_hungarian"] == pytest.approx(25)  # one of clusters 0 and 2 is left without class 7

    def test_a_regression_finds_a_class_in_z_and_nothing_in_noise(self):
        labels = torch.arange(10).repeat(60)
        noise = torch.randn(600, 4, generator=rng())
        centres = 4 * torch.randn(10, 4, generator=rng(1))
        told, style = (Encoded(z, None, labels, torch.zeros(600)) for z in (centres[labels] + 0.3 * noise, noise))
        assert label_from_z(told, told) > 95
        other = dataclasses.replace(style, z=torch.randn(600, 4, generator=rng(2)))
        assert label_from_z(style, other) < 20

    def test_the_regression_is_the_converged_one_however_few_rows_there_are(self):
        """It has the accuracy of the minimum of its own objective, found here by Newton's method."""
        z, labels = torch.randn(60, 2, generator=rng()).double(), torch.arange(2).repeat(30)
        z[:, 0] += 1.5 * labels
        x = torch.cat([(z - z.mean(0)) / z.std(0, correction=0), torch.ones(60, 1)], 1)
        penalty = torch.diag(torch.tensor([1.0, 1.0, 0.0])).double()
        weights = torch.zeros(3).double()
        for _ in range(20):
            p = (x @ weights).sigmoid()
            gradient = x.t() @ (p - labels) + penalty @ weights
            weights -= torch.linalg.solve((x.t() * p * (1 - p)) @ x + penalty, gradient)
        other = 3 * torch.randn(500, 2, generator=rng(3)).double()
        expected = (((other - z.mean(0)) / z.std(0, correction=0)) @ weights[:2] + weights[2] > 0).long()
        fitted = Encoded(z, None, labels, torch.zeros(60))
        assert label_from_z(fitted, Encoded(other, None, expected, torch.zeros(500))) == 100

    def test_rows_of_one_class_tell_that_class(self):
        fitted = Encoded(torch.randn(5, 2, generator=rng()), None, torch.full((5,), 3), torch.zeros(5))
        scored = Encoded(torch.randn(4, 2, generator=rng()), None, torch.tensor([3, 3, 3, 1]), torch.zeros(4))
        assert label_from_z(fitted, scored) == 75


class TestEncoding:
    def test_blocks_do_not_matter(self, build, stages):
        model, rows = build(labels="category", bn="encoder").eval(), stages.cut("fit").evaluation.rows
        whole, parts = encode(model, rows, None, 1000, rng()), encode(model, rows, None, 7, rng())
        torch.testing.assert_close(whole.z, parts.z)
        torch.testing.assert_close(whole.logits, parts.logits)
        torch.testing.assert_close(whole.errors, parts.errors)
        assert len(encode(model, rows, 11, 7, rng()).z) == 11

    def test_errors_are_half_the_squared_ones(self, build, stages):
        model, rows = build(labels="decoder").eval(), stages.cut("fit").evaluation.rows
        found = encode(model, rows, 5, 5, rng())
        x = rows.images.take(torch.arange(5)).flatten(1)
        y = torch.eye(10)[rows.labels[:5]]
        expected = 0.5 * ((model.decode(found.z, y) - x) ** 2).sum(1)
        torch.testing.assert_close(found.errors, expected)

    def test_a_decoder_without_label_sees_zeros(self, build):
        beside = beside_z(build(labels="decoder"), torch.tensor([2, UNLABELLED]), None)
        assert beside.tolist() == [[0, 0, 1] + [0] * 7, [0] * 10]

    @pytest.mark.parametrize("options", [{}, {"labels": "decoder"}, {"labels": "category"}, {"n_clusters": 4}])
    def test_generated_images_are_decoded_draws(self, build, options):
        images = generated(build(**options).eval(), 23, 10, rng())
        assert images.shape == (23, 784)
        assert torch.equal(images, generated(build(**options).eval(), 23, 10, rng()))

    def test_nearest_neighbours(self, stages):
        training = stages.cut("fit").evaluation.training
        chosen = training.images.take(torch.tensor([3, 700])).flatten(1)
        assert torch.equal(nearest(chosen + 0.001, training), chosen)

    def test_walks_are_made_of_quantiles(self):
        grid = walk(LatentPrior("normal", 2, 5.0))["manifold"]
        assert grid.shape == (20, 20, 2)
        shares = 0.5 * (1 + torch.erf(grid[0, :, 0] / 5 / math.sqrt(2)))
        torch.testing.assert_close(shares, (torch.arange(20) + 0.5) / 20)
        assert torch.equal(grid[:, 0, 1].sort(descending=True).values, grid[:, 0, 1])
        assert walk(LatentPrior("gmm10", 2))["walk"].shape == walk(LatentPrior("swiss_roll", 2))["walk"].shape
        assert walk(LatentPrior("normal", 3)) == {}

    @pytest.mark.parametrize("name", ["gmm10", "swiss_roll"])
    def test_figures_show_the_parts_in_use(self, name):
        prior = LatentPrior(name, 2, parts=4)
        points = walk(prior)["walk"]
        assert points.shape == (4, 20, 2)
        whole = LatentPrior(name, 2)
        assert whole.nearest_parts(points.mean(1) if name == "gmm10" else points[:, 10]).tolist() == [0, 1, 2, 3]
        middles = torch.stack([line.mean(0) for line in outlines(prior)])
        if name == "gmm10":
            assert whole.nearest_parts(middles).tolist() == [0, 1, 2, 3]
        else:
            assert outlines(prior)[0].norm(dim=1).max() == pytest.approx(3 * 0.4**0.5)


class TestProtocol:
    def measure(self, model, fold, **changes):
        return AutoencodingEvaluator(dataclasses.replace(CONF, **changes), 0).measure(model, fold, {})

    def test_a_validation_leaves_out_what_takes_long(self, build, stages):
        found = self.measure(build(n_clusters=4), stages.cut("fit")).metrics
        assert {"val/mmd", "val/reconstruction", "val/error_exemplar", "val/error_majority"} <= found.keys()
        assert not {"val/mmd_p", "val/c2st", "val/log_likelihood", "val/label_from_z"} & found.keys()
        tested = self.measure(build(n_clusters=4), stages.tested("fit")).metrics
        assert {"test/mmd_p", "test/c2st", "test/c2st_y", "test/log_likelihood", "test/label_from_z"} <= tested.keys()

    def test_the_metrics_of_a_variant_are_those_it_has(self, build, stages):
        fold = stages.tested("fit")
        semi = self.measure(build(labels="category"), fold).metrics
        assert "test/error" in semi
        assert "test/error_majority" not in semi
        told = self.measure(build(labels="discriminator", prior="gmm10"), fold).metrics
        assert "test/part_accuracy" in told
        assert "test/entropy" not in told
        declared = CONF.quantities.keys() | {"part_accuracy", "part_share_min", "part_share_max"}
        for metrics in (semi, told):
            assert {tag.partition("/")[2] for tag in metrics} <= declared

    def test_measuring_twice_gives_the_same_and_moves_nothing(self, build, stages):
        model = build(labels="category", bn="encoder", posterior="gaussian").train()
        state = weights_of(model)
        before = torch.get_rng_state()
        first, again = (self.measure(model, stages.tested("fit")).metrics for _ in range(2))
        assert first == again
        assert model.training
        assert torch.equal(torch.get_rng_state(), before)
        assert same(state, model.state_dict())

    def test_the_likelihood_is_that_of_the_test_images_at_the_width_chosen_on_validation(self, build, stages):
        model, fold = build(), stages.tested("fit")
        found = self.measure(model, fold).metrics
        sigma = found["test/parzen_sigma"]
        with torch.no_grad():
            model.eval()
            x = fold.evaluation.rows.images.take(torch.arange(297)).flatten(1)
            validation = fold.evaluation.validation.images.take(torch.arange(40)).flatten(1)
            streams = Streams(derived_seed(0, "autoencoding"))
            samples = generated(model, 50, CONF.batch_size, streams["samples"])
        best = parzen_log_density(validation, samples, [0.2, 0.5]).mean(1).argmax()
        assert sigma == [0.2, 0.5][best]
        densities = parzen_log_density(x, samples, [sigma])[0]
        assert found["test/log_likelihood"] == pytest.approx(densities.mean().item(), rel=1e-5)
        assert found["test/log_likelihood_se"] == pytest.approx(densities.std().item() / 297**0.5, rel=1e-4)
        assert "test/log_likelihood" not in self.measure(model, fold, parzen=ParzenConf(samples=0)).metrics

    def test_the_kernel_test_sees_codes_of_the_whole_set(self, build, stages, monkeypatch):
        """Test images may stand in an order, as MNIST's do: the first half is of other writers."""
        seen = []
        monkeypatch.setattr(evaluator, "kernel_metrics", lambda z, *others: seen.append(z) or {})
        found = self.measure(build(), stages.tested("fit")).details.encoded.z
        assert len(seen[0]) == CONF.prior_match.rows
        assert torch.equal(seen[0][0], found[0])
        assert torch.equal(seen[0][-1], found[-1])

    def test_test_labels_do_not_enter_what_is_fitted(self, build, stages):
        """The clusters' classes and the regression come from validation images."""
        fold, model = stages.tested("fit"), build(n_clusters=4)
        plain = self.measure(model, fold).details
        assert plain.encoded.y is not None
        rows = fold.evaluation.rows
        shuffled = LabelledImages(rows.images, rows.labels[torch.randperm(297, generator=rng())])
        other = ImageFold(fold.train, dataclasses.replace(fold.evaluation, rows=shuffled))
        first, second = self.measure(model, fold).metrics, self.measure(model, other).metrics
        same = {tag for tag in first if first[tag] == second[tag]}
        assert {"test/mmd", "test/c2st", "test/log_likelihood", "test/confidence"} <= same
        assert "test/error_majority" not in same

    def test_clusters_are_fitted_to_images_of_all_classes(self, build, stages, monkeypatch):
        """Training images may stand in the order of their classes."""
        fold, fitted = stages.cut("fit"), []
        training = fold.evaluation.training
        order = training.labels.argsort(stable=True)
        ordered = LabelledImages(training.images.part(order), training.labels[order])
        fold = ImageFold(fold.train, dataclasses.replace(fold.evaluation, training=ordered))
        monkeypatch.setattr(evaluator, "cluster_errors", lambda on, scored, classes: fitted.append(on) or {})
        self.measure(build(n_clusters=4), fold, fitting_rows=40)
        assert torch.bincount(fitted[0].labels).tolist() == [4] * 10

    @pytest.mark.parametrize("options", [{"posterior": "universal"}, {"labels": "decoder"}])
    def test_what_is_drawn_of_an_image_does_not_depend_on_how_many_are_encoded_at_a_time(self, build, stages, options):
        model, rows = build(**options).eval(), stages.tested("fit").evaluation.rows
        whole, made = encode(model, rows, None, 5000, rng()), generated(model, 1200, 5000, rng())
        for size in (7, 300):
            found = encode(model, rows, None, size, rng())
            torch.testing.assert_close(found.z, whole.z, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(found.errors, whole.errors, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(generated(model, 1200, size, rng()), made, rtol=1e-4, atol=1e-5)

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("options", [{}, {"n_clusters": 4}])
    def test_what_one_image_alone_does_not_have_is_undefined(self, build, stages, options):
        for fold in (stages.cut("fit"), stages.tested("fit")):
            data = fold.evaluation
            one = torch.zeros(1, dtype=torch.int64)
            row = LabelledImages(data.rows.images.part(one), data.rows.labels[one])
            alone = ImageFold(fold.train, dataclasses.replace(data, rows=row))
            whole = self.measure(build(**options), fold).metrics
            found = self.measure(build(**options), alone)
            assert found.metrics.keys() == whole.keys()
            undefined = {tag for tag, value in found.metrics.items() if math.isnan(value)}
            assert undefined == found.undefined.keys() == {f"{data.name}/{name}" for name in OF_SEVERAL} & whole.keys()
            assert found.metrics.get("test/log_likelihood_se", 0.0) == 0
            assert "undefined: there is one image alone" in found.warnings()[0]

    def test_images_without_labels_are_measured_without_classes(self, build, stages):
        fold = stages.tested("fit")

        def bare(rows):
            return LabelledImages(rows.images, torch.full_like(rows.labels, UNLABELLED))

        data = fold.evaluation
        data = dataclasses.replace(
            data, rows=bare(data.rows), training=bare(data.training), validation=bare(data.validation)
        )
        found = self.measure(build(n_clusters=4), ImageFold(fold.train, data)).metrics
        assert "test/reconstruction" in found
        assert not {"test/error_majority", "test/label_from_z"} & found.keys()


@pytest.mark.parametrize(
    ("options", "unmeasured"),
    [
        ({"labels": "category"}, {"error_majority", "error_exemplar", "error_hungarian"}),
        ({"n_clusters": 16}, {"error"}),
        ({}, {"error", "error_majority", "error_exemplar", "error_hungarian"}),
    ],
)
def test_a_variant_has_the_errors_of_its_categories_or_clusters(options, unmeasured):
    model = dataclasses.replace(MODEL, **options)
    assert CONF.unmeasured(model, DigitsImagesConf()).keys() == unmeasured


def test_windows_are_given_once():
    assert [c.key for c in AutoencodingEvaluatorConf(parzen=ParzenConf(sigmas=[0.2, 0.2])).problems()] == [
        "parzen.sigmas"
    ]


@pytest.mark.parametrize(("stages", "problems"), [(["fit"], []), (["tune"], []), (["tune", "fit"], ["stages"])])
def test_one_stage_with_or_without_a_test(stages, problems):
    assert [problem.key for problem in AutoencodingEvaluatorConf(stages=stages).problems()] == problems


def test_distances_from_the_prior_are_ranked_and_the_smaller_is_better():
    for name in ("mean_shift", "std_ratio", "correlation", "ks", "mmd"):
        assert (CONF.quantities[name].ranked, CONF.quantities[name].lower_is_better) == (True, True)

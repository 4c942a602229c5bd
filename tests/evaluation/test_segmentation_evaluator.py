"""The segmentation evaluator: its metrics against plain ones; what is hidden stays hidden; measuring moves nothing."""

import dataclasses

import numpy as np
import pytest
import torch

from zsl_runner.data.pairs.folds import Pair, PairView
from zsl_runner.data.pairs.segmentation.folds import segmentation_folds
from zsl_runner.data.pairs.segmentation.options import SegmentationConf
from zsl_runner.data.pairs.segmentation.records import VOID, SegmentationRecords
from zsl_runner.data.records import Provenance
from zsl_runner.evaluation.likelihood.estimates import drawn_outputs
from zsl_runner.evaluation.row_draws import RowDraws
from zsl_runner.evaluation.segmentation import evaluator as segmentation
from zsl_runner.evaluation.segmentation.conf import SegmentationEvaluatorConf
from zsl_runner.evaluation.segmentation.evaluator import SegmentationEvaluator
from zsl_runner.evaluation.segmentation.figures import masks, partly_hidden
from zsl_runner.evaluation.segmentation.metrics import foreground_iou, mean_class_iou, pixel_accuracy
from zsl_runner.evaluation.segmentation.partial import PartialLabels, label_partly_hidden
from zsl_runner.models.baselines.conf import BaselineCNNConf
from zsl_runner.models.baselines.model import BaselineCNN
from zsl_runner.models.cvae_segmentation.conf import CVAESegmentationConf, EncoderConf, GenerationConf
from zsl_runner.models.cvae_segmentation.model import CVAESegmentation
from zsl_runner.models.segmentation_conf import ContractingConf, ExpandingConf, LabelCNNConf, MiddleConf
from zsl_runner.streams import Streams
from zsl_runner.tracking.figures.sheets import picture_columns
from zsl_runner.tracking.pictures import png

CNN = LabelCNNConf(
    contracting=ContractingConf([4], [3], 2),
    middle=MiddleConf([4], [3]),
    expanding=ExpandingConf([4, 4], [3, 3]),
    heads=[1, 1, 3],
)


def folds(classes, void=True):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, classes, size=(12, 16, 16)).astype(np.uint8)
    if void:
        labels[:, :3, :2] = VOID
    records = SegmentationRecords(
        name="small",
        images=generator.integers(0, 256, size=(12, 3, 16, 16)).astype(np.uint8),
        labels=labels,
        class_names=tuple(f"class_{k}" for k in range(classes)),
        train=np.arange(4),
        validation=np.arange(4, 7),
        test=np.arange(7, 12),
        provenance=Provenance("generated", "random", "random", "own"),
    )
    return segmentation_folds(records, SegmentationConf(name="small"), None, torch.device("cpu"))


def cvae(shape):
    conf = CVAESegmentationConf(
        latent_channels=2,
        encoder=EncoderConf([4], [3], 2, latent_kernel=3),
        generation=GenerationConf([4, 4], [3, 3], output_kernel=3),
        cnn=CNN,
    )
    model = CVAESegmentation(conf, shape, Streams(0))
    with torch.no_grad():  # so that codes matter in an untrained model
        model.generation.head.weight.mul_(3)
    return model


def evaluator(**changes):
    options = {"samples": 4, "validation_samples": 2, "batch_size": 2, "drawn_samples": 3}
    return SegmentationEvaluator(SegmentationEvaluatorConf(**{**options, **changes}), 5)


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_of_the_deterministic_prediction(classes):
    fold = folds(classes).cut("fit")
    model = cvae(fold.train.shape)
    metrics = evaluator().measure(model, fold, {}).metrics
    pair = fold.evaluation.pairs.take(torch.arange(3))
    labels = model.predict(model.condition(pair.x)).argmax(1)
    right = 100 * pixel_accuracy(labels, pair.y, pair.valid).mean().item()
    if classes == 2:
        overlap = foreground_iou(labels, pair.y, pair.valid)
    else:
        overlap = mean_class_iou(labels, pair.y, classes, pair.valid)
    assert metrics["val/pixel_accuracy"] == pytest.approx(right, abs=1e-4)
    assert metrics["val/IoU"] == pytest.approx(100 * overlap.mean().item(), abs=1e-4)
    assert {"val/NCLL", "val/NCLL_ELBO", "val/NCLL_MC", "val/NCLL_IS"} <= metrics.keys()
    assert not any("averaged" in tag or "hidden" in tag for tag in metrics)


def test_a_test_measurement_has_every_declared_quantity():
    stages = folds(2)
    metrics = evaluator().measure(cvae(stages.cut("fit").train.shape), stages.tested("fit"), {}).metrics
    assert {tag.removeprefix("test/") for tag in metrics} == set(SegmentationEvaluatorConf.quantities)
    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["test/diversity"] > 0


def test_models_without_codes_or_recognition_lack_what_needs_them():
    stages = folds(2)
    baseline = BaselineCNN(BaselineCNNConf(cnn=CNN), stages.cut("fit").train.shape, Streams(0))
    found = evaluator().measure(baseline, stages.tested("fit"), {}).metrics
    own = {tag.removeprefix("test/") for tag in found if "NCLL" not in tag}
    assert own == {"pixel_accuracy", "IoU", "hidden_accuracy", "hidden_IoU"}
    model = cvae(stages.cut("fit").train.shape)
    model.recognises = False
    found = evaluator().measure(model, stages.tested("fit"), {}).metrics
    assert "test/hidden_accuracy" in found
    assert "test/hidden_accuracy_refined" not in found
    assert "test/pixel_accuracy_averaged" in found
    assert not any(
        "hidden" in tag for tag in evaluator(hidden_side=0.0).measure(model, stages.tested("fit"), {}).metrics
    )


def test_averages_are_of_probabilities():
    """A prediction that is torn between two labels and one that is sure of a third: means of logits would differ."""
    fold = folds(2, void=False).cut("fit")
    model, pair = cvae(fold.train.shape), fold.evaluation.pairs.take(torch.arange(3))
    condition = model.condition(pair.x)
    measured = evaluator().output_metrics(model, pair, condition, True, RowDraws(torch.Generator().manual_seed(3)))
    drawn = drawn_outputs(model, condition, evaluator().conf.drawn_samples, RowDraws(torch.Generator().manual_seed(3)))
    torch.testing.assert_close(drawn.sum(-3), torch.ones_like(drawn[:, :, 0]))
    labels = drawn.mean(0).argmax(1)
    expected = 100 * pixel_accuracy(labels, pair.y).mean()
    torch.testing.assert_close(measured["pixel_accuracy_averaged"], expected)
    differences = [(drawn[i] - drawn[j]).abs().mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    torch.testing.assert_close(measured["diversity"], 100 * torch.stack(differences).mean())


def test_measuring_twice_gives_the_same_and_moves_nothing():
    stages = folds(2)
    model = cvae(stages.cut("fit").train.shape).train()
    before = torch.random.get_rng_state()
    first, again = (evaluator().measure(model, stages.tested("fit"), {}).metrics for _ in range(2))
    assert first == again
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), before)
    other = evaluator(batch_size=5).measure(model, stages.tested("fit"), {}).metrics
    assert other["test/pixel_accuracy"] == pytest.approx(first["test/pixel_accuracy"], abs=1e-4)
    assert other["test/IoU"] == pytest.approx(first["test/IoU"], abs=1e-4)


@pytest.mark.parametrize("drawn", [100, 5])
def test_what_is_drawn_of_a_row_does_not_depend_on_how_many_are_scored_at_a_time(monkeypatch, drawn):
    monkeypatch.setattr(SegmentationEvaluator, "drawn", drawn)
    stages = folds(4)
    model = cvae(stages.cut("fit").train.shape)
    for fold in (stages.cut("fit"), stages.tested("fit")):
        whole = evaluator(batch_size=1000).measure(model, fold, {})
        for size in (1, 3, 4):
            found = evaluator(batch_size=size).measure(model, fold, {})
            assert found.metrics == pytest.approx(whole.metrics, rel=1e-4, abs=1e-4)
            for name in ("monte_carlo", "importance"):
                expected = getattr(whole.details, name)
                torch.testing.assert_close(getattr(found.details, name), expected, rtol=1e-4, atol=1e-2)


def test_empty_truth_and_prediction_score_as_configured():
    fold = folds(2).cut("fit")
    model = BaselineCNN(BaselineCNNConf(cnn=CNN), fold.train.shape, Streams(0))
    with torch.no_grad():
        model.cnn.head.bias.copy_(torch.tensor([50.0, -50.0]))
    pair = fold.evaluation.pairs.take(torch.arange(3))
    empty = Pair(pair.x, torch.zeros_like(pair.y), pair.valid)
    for score in (0.0, 1.0):
        found = evaluator(empty_iou=score).output_metrics(
            model, empty, model.condition(pair.x), False, RowDraws(torch.Generator())
        )
        assert found["IoU"].item() == 100 * score
        assert found["pixel_accuracy"].item() == 100


def hidden_labels(model, pair):
    return label_partly_hidden(model, pair, 0.5, 3, RowDraws(torch.Generator().manual_seed(1)))


def test_images_whose_hidden_part_is_void_count_nowhere_however_many_are_scored_at_a_time(monkeypatch):
    stages = folds(2, void=False)
    fold = stages.tested("fit")
    model = BaselineCNN(BaselineCNNConf(cnn=CNN), fold.train.shape, Streams(0)).eval()
    pair = fold.evaluation.pairs.take(torch.arange(5))
    hidden = torch.zeros(5, 16, 16, dtype=torch.bool)
    hidden[:, :4, :4] = True
    valid = torch.ones_like(hidden)
    valid[1:3, :8, :8] = False
    labels = model.predict(model.condition(pair.x)).argmax(1)
    expected = 100 * (labels == pair.y)[[0, 3, 4], :4, :4].float().mean().item()

    class Void:
        def take(self, rows, generator):
            found = fold.evaluation.pairs.take(rows)
            return Pair(found.x, found.y, valid[rows])

    def always_there(model, pair, share, refinements, draws):
        return PartialLabels(pair.x, hidden[: len(pair.y)], model.predict(model.condition(pair.x)).argmax(1), None)

    monkeypatch.setattr(segmentation, "label_partly_hidden", always_there)
    data = dataclasses.replace(fold.evaluation, pairs=PairView(Void(), torch.arange(5)))
    for size in (1, 2, 3, 5):
        metrics = evaluator(batch_size=size).measure(model, dataclasses.replace(fold, evaluation=data), {}).metrics
        assert metrics["test/hidden_accuracy"] == pytest.approx(expected, abs=1e-4)


def test_what_is_hidden_is_not_used():
    fold = folds(4).cut("fit")
    model, pair = cvae(fold.train.shape), fold.evaluation.pairs.take(torch.arange(3))
    with torch.no_grad():
        first = hidden_labels(model, pair)
        assert (first.hidden.flatten(1).sum(1) == 64).all()
        assert (first.x.permute(0, 2, 3, 1)[first.hidden] == 0).all()
        inside = first.hidden
        changed = Pair(
            torch.where(inside[:, None], 1 - pair.x, pair.x),
            torch.where(inside, 3 - pair.y, pair.y),
            pair.valid | inside,  # void or not is a label, too
        )
        again = hidden_labels(model, changed)
    assert torch.equal(first.predicted, again.predicted)
    assert torch.equal(first.refined, again.refined)
    outside = ~inside
    assert torch.equal(first.refined[outside], pair.y[outside])


def test_hidden_squares_lie_anywhere_in_the_image():
    class Labels:
        def condition(self, x):
            return x

        def predict(self, condition):
            return torch.zeros(len(condition), 2, 6, 9)

    pair = Pair(torch.zeros(5000, 3, 6, 9), torch.zeros(5000, 6, 9, dtype=torch.int64))
    hidden = label_partly_hidden(Labels(), pair, 0.5, 0, RowDraws(torch.Generator().manual_seed(0))).hidden
    assert (hidden.flatten(1).sum(1) == 9).all()
    tops, lefts = hidden.any(2).int().argmax(1), hidden.any(1).int().argmax(1)
    places = torch.bincount(tops * 7 + lefts, minlength=28)
    assert len(places) == 28  # four rows and seven columns in which a square of three can begin
    assert (places / 5000).tolist() == pytest.approx([1 / 28] * 28, abs=0.012)


@pytest.mark.parametrize(("share", "pixels"), [(0.01, 1), (1 / 16, 1), (0.5, 64), (1.0, 256)])
def test_a_square_hides_a_pixel_at_least(share, pixels):
    """Labels with nothing hidden would all be right."""
    pair = folds(2).tested("fit").evaluation.pairs.take(torch.arange(5))
    model = BaselineCNN(BaselineCNNConf(cnn=CNN), folds(2).cut("fit").train.shape, Streams(0)).eval()
    hidden = label_partly_hidden(model, pair, share, 1, RowDraws(torch.Generator().manual_seed(0))).hidden
    assert hidden.flatten(1).sum(1).tolist() == [pixels] * 5


def test_refinement_uses_the_labels_outside():
    fold = folds(2, void=False).cut("fit")
    model, pair = cvae(fold.train.shape), fold.evaluation.pairs.take(torch.arange(3))
    with torch.no_grad():
        first = hidden_labels(model, pair)
        x, y, hidden = first.x, pair.y, first.hidden
        condition, labels = model.condition(x), torch.where(first.hidden, first.predicted, pair.y)
        for _ in range(3):
            z = model.posterior(x, labels, None).mean
            labels = torch.where(hidden, model.generate(condition, z).argmax(1), y)
        assert torch.equal(first.refined, labels)
        moved = Pair(pair.x, torch.where(hidden, pair.y, 1 - pair.y), None)
        posterior = model.posterior(x, torch.where(hidden, first.predicted, moved.y), None)
        assert not torch.equal(posterior.mean, model.posterior(x, torch.where(hidden, first.predicted, y), None).mean)


@pytest.mark.parametrize("classes", [2, 4])
def test_pictures(classes):
    fold = folds(classes).cut("fit")
    model, pair = cvae(fold.train.shape), fold.evaluation.pairs.take(torch.arange(3))
    columns = masks(model, pair, evaluator().conf.drawn_samples, torch.Generator().manual_seed(0))
    assert list(columns)[:6] == ["image", "truth", "CNN", "mean code", "mean of samples", "deviation"]
    assert [name for name in columns if name.startswith("sample")] == ["sample 1", "sample 2", "sample 3"]
    assert columns["deviation"].max() <= 0.5
    drawn = drawn_outputs(
        model, model.condition(pair.x), evaluator().conf.drawn_samples, RowDraws(torch.Generator().manual_seed(0))
    ).detach()
    if classes == 2:
        np.testing.assert_allclose(columns["deviation"], drawn[:, :, 1].std(0, correction=0), atol=1e-6)
        np.testing.assert_allclose(columns["mean of samples"], drawn[:, :, 1].mean(0), atol=1e-6)
    assert (columns["truth"][:, 0, 0] == 255).all()  # void is white
    figure = picture_columns(columns, "title")
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == list(columns)
    assert png(figure) == png(picture_columns(columns, "title"))
    hidden = partly_hidden(model, pair, evaluator().conf, torch.Generator().manual_seed(0))
    assert list(hidden) == ["image", "truth", "image alone", "known labels", "refined"]
    names = [name for name, _ in evaluator().figures(model, fold.evaluation, evaluator().measure(model, fold, {}), {})]
    assert names == ["masks", "partly_hidden", "likelihood_curve"]

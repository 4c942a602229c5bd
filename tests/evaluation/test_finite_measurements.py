"""What is measured is finite: a NaN anywhere in a model is refused, and never becomes a chance-level metric."""

import math

import pytest
import torch

from tests.loaded import ours
from tests.slow import slow_if
from zsl_runner.config.check import check
from zsl_runner.config.registry import resolve, schemas
from zsl_runner.data.load import cut_folds, load
from zsl_runner.errors import NonFiniteError
from zsl_runner.evaluation.base import Measurement, measured
from zsl_runner.models.networks import finite
from zsl_runner.training.build import build_stage
from zsl_runner.training.runtime import Runtime

TOY = ["dataset=toy", "dataset.train_rows=12", "dataset.test_rows=6", "dataset.unseen_rows=10", "dataset.width=16"]
IMAGES = ["dataset=digits_images"]
SMALL = {
    "zsl": ["model=sgal", *TOY, "model.encoder.hidden=[8]", "model.decoder.hidden=[8]", "model.latent_dim=3"],
    "final_classifier": [
        *["model=f_clswgan", *TOY, "model.hidden=8"],
        *["evaluator.classifier.synthetic_per_class=5", "evaluator.classifier.epochs=1"],
    ],
    "likelihood": [
        "model=cvae_pairs",
        "dataset=digits_quadrant",
        "model.hidden=[16,16]",
        "evaluator.validation_samples=2",
    ],
    "segmentation": [
        *["model=cvae_segmentation_small", "dataset=digit_canvas_embedded", "dataset.train=24"],
        *["dataset.validation=8", "dataset.test=8", "evaluator.validation_samples=2"],
    ],
    "autoencoding": ["model=aae/clustering", *IMAGES, "evaluator.validation_rows=50", "evaluator.fitting_rows=50"],
    "class_maps": [
        *["model=class_maps", "dataset=tagged_canvas_embedded", "dataset.side=32", "dataset.train=24"],
        *["dataset.validation=8", "dataset.test=8"],
    ],
    "joint_code": ["model=joint_vae", *IMAGES, "dataset.side=32"],
    "continual": ["model=task_heads", "model.hidden=[8,8]", "dataset=split_digits", "trainer=finetune"],
    "continual_zero_shot": ["model=cosine_heads", "dataset=toy_tasks", "trainer=finetune"],
}


def parts_of(arguments, tmp_path, stage):
    config = check(ours(), [f"outputs={tmp_path}", "runtime.device=cpu", *arguments], strictly=False).accepted()
    folds = cut_folds(load(config.dataset), config.dataset, config.trainer, torch.device("cpu"))
    parts = build_stage(config, stage, folds.cut(stage), Runtime(config.runtime))
    return resolve(config.evaluator.implementation)(config.evaluator, config.seed), parts


def test_every_evaluator_is_tested_here():
    assert set(SMALL) == set(schemas("evaluator"))


@pytest.mark.parametrize("kind", slow_if(["joint_code", "segmentation", "class_maps"], SMALL))
def test_a_nan_in_a_weight_is_refused_or_takes_no_part(kind, tmp_path):
    stage = "tune" if kind in ("zsl", "final_classifier", "continual_zero_shot") else "fit"
    evaluator, parts = parts_of(SMALL[kind], tmp_path, stage)
    clean = measured(evaluator, stage, parts.model, parts.fold).metrics
    assert all(map(math.isfinite, clean.values()))
    refused = 0
    for name, values in parts.model.state_dict().items():
        if not values.is_floating_point() or not values.numel():
            continue
        place = values.view(-1)[values.numel() // 2]
        kept = place.clone()
        place.fill_(math.nan)
        try:
            assert measured(evaluator, stage, parts.model, parts.fold).metrics == clean, name
        except NonFiniteError as error:
            refused += 1
            text = str(error)
            assert text.startswith(f"stage {stage}, {type(parts.model).__name__} on the val rows: "), text
            assert "learning rate" in text, text
        place.copy_(kept)
    assert refused >= 4
    assert measured(evaluator, stage, parts.model, parts.fold).metrics == clean


def test_infinite_scores_are_counted():
    scores = torch.tensor([[1.0, math.inf], [math.nan, 2.0]])
    with pytest.raises(NonFiniteError, match=r"^class scores: 2 of 4 are NaN or infinite; the model has diverged"):
        finite("class scores", scores)
    assert finite("class scores", scores[:1, :1]).tolist() == [[1.0]]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_measurement_holds_no_metric_that_is_not_finite(value):
    with pytest.raises(NonFiniteError, match=f"expected finite metrics, found val/T1={value};"):
        Measurement({"val/T1": value, "val/H": 1.0})
    with pytest.raises(NonFiniteError, match="calibration_offset"):
        Measurement({"val/H": 1.0}, {"calibration_offset": value})


def test_what_the_data_leave_undefined_is_warned_of():
    found = Measurement({"test/IoU": math.nan}, undefined={"test/IoU": "no pixel is valid"})
    assert found.warnings() == ["test/IoU is undefined: no pixel is valid; it is null in the record"]
    why = {"test/IoU": "no mask", "test/recall": "no mask", "test/AUC": "one class"}
    several = Measurement(dict.fromkeys(why, math.nan), undefined=why, notes=["What else."])
    assert several.warnings() == [
        "test/IoU, test/recall are undefined: no mask; they are null in the record",
        "test/AUC is undefined: one class; it is null in the record",
        "What else.",
    ]

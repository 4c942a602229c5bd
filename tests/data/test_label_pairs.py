import pytest
import torch

from zsl_runner.config.schema import TrainerConf
from zsl_runner.config.vocabulary import View
from zsl_runner.data.images.folds import image_folds
from zsl_runner.data.sources.digits.conf import DigitsImagesConf
from zsl_runner.data.sources.digits.source import load_images as load
from zsl_runner.data.views import evaluation_as, evaluation_pairs, training_pairs
from zsl_runner.models.baselines.conf import BaselineNNConf


@pytest.fixture(scope="module")
def fold():
    conf = DigitsImagesConf(name="digits", labelled=50, side=8)
    return image_folds(load(conf), conf, TrainerConf(), torch.device("cpu")).cut("fit")


def test_only_images_whose_label_training_may_see_become_pairs(fold):
    data = training_pairs(fold.train)
    pairs = data.pairs
    assert (data.shape.x, data.shape.y, training_pairs(data)) == ((10,), (64,), data)
    assert len(pairs) == 50
    pair = pairs.take(torch.arange(50))
    labels = fold.train.labels[fold.train.labelled]
    assert torch.equal(pair.x.argmax(1), labels)
    assert torch.equal(pair.x.sum(1), torch.ones(50))
    assert torch.equal(pair.y, fold.train.images.take(fold.train.labelled).flatten(1))


def test_all_images_are_measured_and_can_be_put_together_again(fold):
    data = evaluation_pairs(fold.evaluation)
    assert (data.name, len(data.pairs), data.shape.x, data.shape.y) == ("val", 300, (10,), (64,))
    assert data.shape.unit_interval
    ((_, pair),) = data.pairs.blocks(300)
    assert torch.equal(pair.x.argmax(1), fold.evaluation.rows.labels)
    images = fold.evaluation.rows.images.take(torch.arange(300))
    assert torch.equal(data.layout.picture(pair.y), images[:, 0])
    assert torch.equal(data.layout.labels(), torch.eye(10))
    assert evaluation_pairs(data) is data


def test_a_view_that_evaluation_sets_lack_is_refused(fold):
    assert evaluation_as(View.OWN, fold.evaluation) is fold.evaluation
    with pytest.raises(ValueError, match="not seen as rows"):
        evaluation_as(View.ROWS, fold.evaluation)


def test_predictors_of_outputs_say_what_they_can_take():
    assert not list(BaselineNNConf().fits(DigitsImagesConf()))

    class Unlabelled(DigitsImagesConf):
        provides = frozenset({"image_rows"})

    (problem,) = BaselineNNConf().fits(Unlabelled(kind="pictures"))
    assert "dataset=pictures has none of these" in problem.message

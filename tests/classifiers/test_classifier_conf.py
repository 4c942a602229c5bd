"""What the options of the final classifier mean."""

import pytest

from zsl_runner.classifiers.conf import ClassifierConf
from zsl_runner.config.fields import rule_of


def test_null_takes_the_published_habits():
    conf = ClassifierConf(synthetic_per_class=70, epochs=9, lr=0.5)
    assert conf.conventional_rows() == 70
    assert conf.conventional() == conf.joint()
    assert (conf.joint().epochs, conf.joint().lr, conf.joint().batch_size) == (9, 0.5, 70)


def test_each_classifier_may_have_its_own():
    conf = ClassifierConf(synthetic_per_class_zsl=40, epochs=9, lr=0.5, epochs_gzsl=3, lr_gzsl=0.1)
    first, second = conf.conventional(), conf.joint()
    assert (conf.conventional_rows(), first.epochs, first.lr, first.batch_size) == (40, 9, 0.5, 40)
    assert (second.epochs, second.lr, second.batch_size) == (3, 0.1, 300)
    assert ClassifierConf(batch_size=8).joint().batch_size == 8


def test_two_decay_rates_are_needed():
    assert [problem.key for problem in ClassifierConf(betas=[0.9]).problems()] == ["betas"]
    assert not list(ClassifierConf().problems())


@pytest.mark.parametrize(
    "wrong", ["synthetic_per_class=0", "synthetic_per_class_zsl=0", "epochs=0", "lr=0", "batch_size=0", "inputs=int8"]
)
def test_values_out_of_range_are_refused(wrong):
    name, _, text = wrong.partition("=")
    rule = rule_of(ClassifierConf.__dataclass_fields__[name])
    assert not rule.accepts(int(text) if text.isdigit() else text)
    assert rule.accepts(getattr(ClassifierConf(), name))

"""What an experiment file says of published results: the figures, what they were measured on, and how."""

from __future__ import annotations

from dataclasses import dataclass

from zsl_runner.config.fields import option, section


@dataclass
class MeasuredOnConf:
    """What published results were measured on; reports print no deviation of a run whose record says otherwise."""

    dataset: str = option("", "label of the data set, as `dataset.name` has it")
    semantics: str = option("", "class vectors by name, e.g. att; empty: the data have no choice of them")
    split: str = option("", "version of the split as records name it, e.g. PS1")
    setting: str = option("", "setting as records name it, e.g. inductive; it tells of labelled rows, too")
    class_prior: str = option(
        "", "where the frequencies of unseen classes are from, e.g. known; empty: the setting leaves no choice"
    )


@dataclass
class ReferenceConf:
    """What an experiment file says about the published result it follows (informative)."""

    source: str = option("", "paper and table")
    feature_kind: str = option("", "features of the published results; deviations are only printed for the same ones")
    of: MeasuredOnConf = section(MeasuredOnConf, "what else the published results were measured on")
    metrics: dict[str, float] = option({}, "published results in the unit of each metric, e.g. test/H: 65.6")
    note: str = option("", "how the results were obtained: tag, selection, seeds")
    cost: str = option("", "expected wall time and hardware")

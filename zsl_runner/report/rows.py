"""The rows of a report's tables, and the blocks of rows that may be compared."""

from __future__ import annotations

from dataclasses import dataclass, field

from zsl_runner.config.quantities import Quantity, title
from zsl_runner.report.groups import Average, Group


@dataclass(frozen=True)
class Difference(Average):
    """Mean and spread of the differences to the baseline over common seeds.

    Attributes:
        p: p value of the paired t test, adjusted for the other rows of the table; None if there is none.
        why_no_p: in words why there is no p value.
    """

    p: float | None = None
    why_no_p: str = ""


@dataclass
class Row:
    """One group in its block.

    Attributes:
        group: the group.
        cells: averages by tag.
        is_baseline: whether the other rows of its block are compared with it.
        differences: paired differences to the baseline, by tag; empty for the baseline and without one.
        best: tags in which it is the best of its block.
        deviation: deviation from published results in words; empty if none were measured on the same.
        tried: settings of a search that fold into this row, the one of them that validation chose; 0 for any other row.
        scaling: that of its features and class vectors by key, as far as other rows of its block have another.
        data: options of its data set by key, likewise.
    """

    group: Group
    cells: dict[str, Average | None]
    is_baseline: bool = False
    differences: dict[str, Difference | None] = field(default_factory=dict)
    best: set[str] = field(default_factory=set)
    deviation: str = ""
    tried: int = 0
    scaling: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    @property
    def varied(self) -> str:
        """What tells it from its neighbours, in words, and in a transductive setting always the class prior."""
        return self._with_conditions(self.group.differs) + self._searched

    @property
    def varied_exactly(self) -> str:
        """The same with every digit."""
        return self._with_conditions(self.group.differs_exactly) + self._searched

    def _with_conditions(self, differs: str) -> str:
        """Add class prior, scaling and data where neither the settings nor the heading say them."""
        prior = "" if "trainer.class_prior" in self.group.varied else self.group.class_prior
        scaled = [f"{key}={value}" for key, value in self.scaling.items() if f"dataset.{key}" not in self.group.varied]
        data = [f"{key}={value}" for key, value in self.data.items()]
        return ", ".join(part for part in (f"class_prior={prior}" if prior else "", differs, *scaled, *data) if part)

    @property
    def _searched(self) -> str:
        return f" (best {title(self.group.objective)} of {self.tried})" if self.tried else ""


@dataclass
class Block:
    """Rows whose metrics may be compared: same data, features, side information, split and setting.

    Attributes:
        traits: what they share.
        title: the same without checksums, unless these alone tell it from another block.
        quantities: the metrics, one column each, and what they are; by tag.
        rows: the groups.
        scaling: what the rows have in common of the scaling of features and class vectors, in words.
    """

    traits: dict[str, str]
    quantities: dict[str, Quantity]
    rows: list[Row] = field(default_factory=list)
    title: dict[str, str] = field(default_factory=dict)
    scaling: str = ""

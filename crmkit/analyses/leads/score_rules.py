"""The editable table of the lead score: what a lead shows, and the points it earns for that."""

from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from crmkit.errors import InputError
from crmkit.sheets import read_sheet
from crmkit.text import reader

__all__ = ["FEATURES", "ScoreRule", "score_rules"]

FEATURES = ("source", "list", "again")


@dataclass(frozen=True)
class ScoreRule:
    """Points for leads of a feature and an event together; what is empty does not matter.

    `feature` is source or list, which equal `value`, or again: given out at least so often before.
    `event` was seen of the person before the lead came in. Ten points stand for twice the odds.
    """

    rule: str
    name_en: str
    name_zh: str
    feature: str
    value: str
    event: str
    points: float

    @property
    def name(self) -> str:
        """The rule for readers."""
        return (self.name_zh if reader().language == "zh" else "") or self.name_en

    def holds(self, cells: pd.DataFrame) -> "pd.Series[bool]":
        """Which cells it is true of; `cells` have source, list, again and a column an event."""
        true = pd.Series(True, index=cells.index)
        if self.feature == "again":
            true &= cells.again >= int(self.value)
        elif self.feature:
            true &= cells[self.feature] == self.value
        if self.event:
            true &= cells[f"seen {self.event}"].astype(bool)
        return true


def score_rules(source: str | Path = "score") -> tuple[ScoreRule, ...]:
    """The rules of a CSV file: those of crmkit by default, an example to edit.

    Columns: rule, name_en, name_zh, feature, value, event, points.
    Raises: ParameterError where there is no such file; InputError with the line for what is wrong.

    >>> [rule.rule for rule in score_rules() if rule.feature and rule.event]
    ['web_form_cart']
    """
    columns = [f.name for f in fields(ScoreRule)]
    found = tuple(_rule(line, row) for line, row in read_sheet(source, "leads", columns))
    names = [rule.rule for rule in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{source}: rule {twice[0]!r} stands there twice. Give each its own name.")
    return found


def _rule(line: str, row: dict[str, str]) -> ScoreRule:
    texts = {name: value for name, value in row.items() if name != "points"}
    if not row["rule"] or not (row["feature"] or row["event"]):
        raise InputError(f"{line}: give a name under rule, and a feature or an event.")
    if row["feature"] and row["feature"] not in FEATURES:
        raise InputError(
            f"{line}: feature is {row['feature']!r}. Give {', '.join(FEATURES)}, or leave it empty."
        )
    if bool(row["feature"]) != bool(row["value"]):
        raise InputError(f"{line}: a feature needs a value, and a value a feature.")
    if row["feature"] == "again" and not row["value"].isdigit():
        raise InputError(f"{line}: value is {row['value']!r}. Give how often, such as 1.")
    try:
        points = float(row["points"])
    except ValueError:
        raise InputError(f"{line}: points are {row['points']!r}. Give a number.") from None
    return ScoreRule(**texts, points=points)

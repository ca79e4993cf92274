"""High, medium and low: the grades of a warning, and how many of each did leave."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmkit.stats import wilson

__all__ = ["ORDER", "Grades", "graded"]

ORDER = ("high", "medium", "low", "gone")
_HIGH, _MEDIUM = 0.9, 0.7
"""The quantiles of past chances above which a customer is graded high, or medium."""
_POINTS = (6.0, 3.0)
"""Points of the rules from which a grade is given where nothing could be learnt yet."""


@dataclass(frozen=True)
class Grades:
    """From which chance a customer is high, and medium; nan where only rules are known."""

    high: float
    medium: float

    @classmethod
    def of(cls, chances: pd.Series) -> "Grades":
        """The highest tenth of past chances is high, the next fifth medium."""
        known = chances.dropna().astype(float)
        if known.empty:
            return cls(float("nan"), float("nan"))
        return cls(*(float(q) for q in np.quantile(known, [_HIGH, _MEDIUM])))

    def of_rows(self, chance: pd.Series, points: pd.Series) -> pd.Series:
        """The grade of each customer, by the chance, or by points where there is none."""
        value, (high, medium) = chance, (self.high, self.medium)
        if np.isnan(self.high):
            value, (high, medium) = points, _POINTS
        grade = np.where(value >= high, "high", np.where(value >= medium, "medium", "low"))
        return pd.Series(grade, index=chance.index)


def graded(scores: pd.DataFrame, trial: pd.DataFrame, best: str, grades: Grades) -> pd.DataFrame:
    """One row a grade: customers, value, money at risk now; n, left, rate in the last trial."""
    now = scores.groupby("grade").agg(
        customers=("customer_id", "size"), value=("value", "sum"), at_risk=("at_risk", "sum")
    )
    then = pd.DataFrame({"n": pd.Series(dtype=float), "left": pd.Series(dtype=float)})
    if len(trial):
        chance = trial[best].astype(float)
        past = trial.assign(grade=grades.of_rows(chance, pd.Series(0.0, index=trial.index)))
        then = past.groupby("grade").agg(n=("left", "size"), left=("left", "sum"))
    frame = pd.DataFrame(index=list(ORDER)).join(now).join(then)
    frame = frame.fillna({"customers": 0, "value": 0.0, "at_risk": 0.0, "n": 0})
    low, high = wilson(frame.left.fillna(0), frame.n)
    frame = frame.assign(rate=frame.left / frame.n.where(frame.n > 0), rate_low=low, rate_high=high)
    frame.loc["gone", "at_risk"] = np.nan
    frame.index.name = "grade"
    return frame.reset_index().astype({"customers": "int64", "n": "int64"})

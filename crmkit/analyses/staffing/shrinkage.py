"""From agents needed to agents planned: breaks, absence and training, step by step."""

import math
from collections.abc import Mapping

import pandas as pd

from crmkit.errors import ParameterError
from crmkit.text import message

__all__ = ["ASSUMED", "STEPS", "measured", "planned", "shrinkage_steps", "total"]

ASSUMED = {"breaks": 0.10, "absence": 0.06, "training": 0.04}
"""Shares taken where nothing was measured or given."""
STEPS = {
    "breaks": message("Breaks and pauses"),
    "absence": message("Absence"),
    "training": message("Training and meetings"),
}
_NEARLY = 1e-9


def measured(answer: pd.DataFrame) -> dict[str, float]:
    """Shares that agents' states tell: pauses of the time logged in, days missed of those expected.

    A share without anything to measure it on is not there.
    """
    states = answer[answer.kind == "state"]
    found = {}
    whole = float(states.amount.sum())
    if whole > 0:
        found["breaks"] = float(states.amount[states.name.str.startswith("pause")].sum()) / whole
    days = answer[answer.kind == "days"]
    if float(days.amount.sum()) > 0:
        found["absence"] = 1 - float(days["count"].sum()) / float(days.amount.sum())
    return found


def shrinkage_steps(
    given: Mapping[str, float] | None, seen: Mapping[str, float], *, breaks_in_shifts: bool
) -> pd.DataFrame:
    """One row a step: step, share (of what the steps before it left), source, left (up to here).

    What is given counts, else what was measured, else what is assumed. Where the shifts hold their
    own breaks, these are not taken twice.
    Raises: ParameterError for a share below 0, or of 1 and more.
    """
    rows = []
    left = 1.0
    for step in dict.fromkeys([*ASSUMED, *(given or {})]):
        share, source = _share(step, given or {}, seen)
        if step == "breaks" and breaks_in_shifts:
            share, source = 0.0, "shifts"
        if not 0 <= share < 1:
            raise ParameterError(
                f"shrinkage {step!r} is {share!r}. Give a share from 0 to below 1, such as 0.1."
            )
        left *= 1 - share
        rows.append((step, share, source, left))
    return pd.DataFrame(rows, columns=["step", "share", "source", "left"])


def _share(step: str, given: Mapping[str, float], seen: Mapping[str, float]) -> tuple[float, str]:
    if step in given:
        return float(given[step]), "given"
    if step in seen:
        return seen[step], "measured"
    return ASSUMED[step], "assumed"


def total(steps: pd.DataFrame) -> float:
    """The share of planned agents who are not at work at a time."""
    return 1 - float(steps.left.iloc[-1]) if len(steps) else 0.0


def planned(agents: float, shrinkage: float) -> int:
    """Agents to plan so that enough are at work: agents / (1 - shrinkage), rounded up.

    What is whole but for the last binary digit is whole.

    >>> planned(9, 0.1), planned(42, 0.3), planned(10, 0.3)
    (10, 60, 15)
    """
    return math.ceil(agents / (1 - shrinkage) - _NEARLY)

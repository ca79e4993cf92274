"""What the last weeks kept: service level by weekday and interval, and who was at work."""

import numpy as np
import pandas as pd

from crmkit.analyses.staffing.grid import clock, unit_minutes
from crmkit.analyses.staffing.history import cube
from crmkit.stats import wilson

__all__ = ["at_work_by_unit", "past_frame"]

_KEPT = ("offered", "handled", "quick", "abandoned")
_RECENT = 4
"""The last so many complete weeks are looked at."""


def past_frame(
    units: pd.DataFrame,
    answer: pd.DataFrame,
    weeks: tuple[int, ...],
    *,
    interval: int,
    target: float,
) -> pd.DataFrame:
    """One row a weekday and interval with calls in the last weeks.

    Columns: weekday, slot, time, offered, handled, quick (answered in time), abandoned, level
    (quick / offered) with level_low and level_high (Wilson), at_work (agents at work and not in a
    pause, mean; nan without agents' states), short (the whole interval lies below `target`), missed
    (calls not answered in time beyond what the target allows, a week).
    """
    recent = weeks[-_RECENT:]
    seen = units.assign(at_work=at_work_by_unit(units, answer, interval))
    sums = {name: cube(seen, recent, interval, name).sum(axis=0) for name in _KEPT}
    length = cube(seen.assign(one=1.0), recent, interval, "one").sum(axis=0)
    time = cube(seen, recent, interval, "at_work").sum(axis=0)
    weekday, slot = np.nonzero(sums["offered"])
    frame = pd.DataFrame(
        {
            "weekday": weekday,
            "slot": slot,
            "time": [clock(int(at), interval) for at in slot],
            **{name: sums[name][weekday, slot] for name in _KEPT},
            "at_work": time[weekday, slot] / length[weekday, slot],
        }
    )
    low, high = wilson(frame.quick, frame.offered)
    missed = (target * frame.offered - frame.quick) / max(len(recent), 1)
    return frame.assign(
        level=frame.quick / frame.offered,
        level_low=low,
        level_high=high,
        short=high < target,
        missed=np.maximum(missed, 0.0),
    )


def at_work_by_unit(units: pd.DataFrame, answer: pd.DataFrame, interval: int) -> "pd.Series[float]":
    """Mean agents at work in each unit, from the begins and ends of their states.

    Those who began before a unit and did not end before it are there for all of it; those who begin
    or end in it, from or up to that moment.
    """
    edges = answer[answer.kind == "edges"]
    if not len(edges):
        return pd.Series(np.nan, index=units.index)
    lasting = 60.0 * unit_minutes(interval)
    net = edges.groupby("unit")[["count", "amount"]].sum().sort_index()
    before = net["count"].cumsum()
    at = np.searchsorted(net.index.to_numpy(), units.unit.to_numpy(), side="left")
    stay = np.concatenate([[0.0], before.to_numpy()])[at]
    inside = units.unit.map(net.amount).fillna(0.0)
    return pd.Series(stay + inside / lasting, index=units.index)

"""What changes when calls, their length or the answer rate are not as expected."""

from dataclasses import replace

import numpy as np
import pandas as pd

from crmkit.analyses.staffing.need import Need, queue_of
from crmkit.analyses.staffing.pace import Outbound
from crmkit.analyses.staffing.plan import Week
from crmkit.analyses.staffing.shrinkage import planned

__all__ = ["SCENARIOS", "sensitivity"]

SCENARIOS = (
    ("plan", 1.0, 1.0, 1.0),
    ("handle_down", 1.0, 0.9, 1.0),
    ("handle_up", 1.0, 1.1, 1.0),
    ("calls_down", 0.9, 1.0, 1.0),
    ("calls_up", 1.1, 1.0, 1.0),
    ("answer_down", 1.0, 1.0, 0.8),
    ("answer_up", 1.0, 1.0, 1.2),
)
"""Name, and the factors on calls, on handle time, and on the outbound answer rate."""


def sensitivity(intervals: pd.DataFrame, week: Week, out: Outbound) -> pd.DataFrame:
    """One row a scenario.

    Columns: scenario; hours, of agents planned in the week, and hours_change against the plan;
    most, agents planned at once; level and abandonment, over all calls, if the agents needed by the
    plan stay; dials_hour, dial_level and trunks of the outbound agents. NaN where there are none.
    """
    rows = []
    for name, calls, handle, answer in SCENARIOS:
        changed = replace(week, handle=week.handle * handle)
        inbound = _inbound(intervals, changed, calls)
        rows.append((name, *inbound, *_outbound(out, answer, handle)))
    columns = ["scenario", "hours", "most", "level", "abandonment"]
    frame = pd.DataFrame(rows, columns=[*columns, "dials_hour", "dial_level", "trunks"])
    return frame.assign(hours_change=frame.hours / frame.hours.iloc[0] - 1)


def _inbound(frame: pd.DataFrame, week: Week, factor: float) -> tuple[float, float, float, float]:
    if not len(frame) or frame.forecast.sum() == 0:
        return (np.nan,) * 4
    hours, most, answered, gave_up, calls = 0.0, 0, 0.0, 0.0, 0.0
    for expected, length, needed in zip(frame.forecast, frame.length, frame.needed, strict=True):
        rate = week.rate(expected * factor, length)
        if rate == 0:
            continue
        need = Need.of(rate, week.handle, week.patience, week.promise)
        plan = planned(need.agents, week.shrinkage)
        queue = queue_of(int(needed), rate, week.handle, week.patience)
        hours += plan * length * week.interval / 60
        most = max(most, plan)
        answered += expected * queue.within(week.promise.within)
        gave_up += expected * queue.p_abandon
        calls += expected
    return hours, float(most), answered / calls, gave_up / calls


def _outbound(out: Outbound, answer: float, handle: float) -> tuple[float, float, float]:
    if not out.known:
        return np.nan, np.nan, np.nan
    pace = out.at(out.agents, answer=answer, handle=handle)
    return 3600 * pace.dials, pace.level, float(pace.trunks(out.blocking))

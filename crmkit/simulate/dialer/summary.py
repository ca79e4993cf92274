"""The key figures of a floor, to compare it with one of more agents or another dial level."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crmkit.simulate.call_codes import RESULTS, STATES
from crmkit.simulate.dialer import kernel as k

if TYPE_CHECKING:
    from crmkit.simulate.dialer.log import Calls, FloorLog

__all__ = ["FloorSummary", "summed"]

_THRESHOLD_MS = 20_000
_UNKNOWN = float("nan")


@dataclass(frozen=True, kw_only=True)
class FloorSummary:
    """The key figures of a floor; what has nothing to be measured on is NaN.

    Outbound by agents: `dials`; `answers`, calls answered by a person or taken for one, and so
    offered to agents; `drops`, those that no agent took within the grace time (`hung_up` of them
    left by themselves); `drop_rate`, drops / answers; `contacts`, persons who spoke to an agent;
    `contact_rate`, contacts / dials; `sales`; `machines_stopped`, by detection, and
    `people_stopped`, persons among them; `leads_dialled` and `leads_reached`.
    Agents: `occupancy`, talk and wrap / (talk, wrap, ready, preview and ringing), pause excluded;
    `utilisation`, talk and wrap / time logged in; `handle`, mean seconds of talk and wrap;
    `hours`, agent hours logged in; `sales_per_hour`.
    Lines: `lines_peak` and `lines_mean` in use while any is. Voice: `voice_dials`, `voice_heard`.
    Callers: `offered`, `handled`, `abandoned`, `blocked`; `service_level`, taken within 20 seconds
    / offered; `wait`, mean seconds of those handled.
    """

    dials: int
    answers: int
    drops: int
    hung_up: int
    drop_rate: float
    contacts: int
    contact_rate: float
    sales: int
    machines_stopped: int
    people_stopped: int
    leads_dialled: int
    leads_reached: int
    occupancy: float
    utilisation: float
    handle: float
    hours: float
    sales_per_hour: float
    lines_peak: int
    lines_mean: float
    voice_dials: int
    voice_heard: int
    offered: int
    handled: int
    abandoned: int
    blocked: int
    service_level: float
    wait: float


def summed(log: "FloorLog") -> FloorSummary:
    """The key figures of a log."""
    calls = log.calls
    by_agents = (calls.kind == k.LISTED) | (calls.kind == k.CALLED_BACK)
    offered = by_agents & (calls.queued >= 0)
    drops = by_agents & (calls.result == k.DROPPED)
    contacts = by_agents & (calls.agent >= 0) & (calls.true == k.HUMAN)
    stopped = by_agents & (calls.amd == 2)
    voice = calls.kind == k.BY_VOICE
    callers = calls.kind == k.COMING_IN
    blocked = callers & (calls.result == RESULTS.index("blocked"))
    handled = callers & (calls.agent >= 0)
    waits = (calls.agent_at - calls.queued)[handled]
    seconds = _state_seconds(log)
    handle = seconds["talk"] + seconds["wrap"]
    idle = seconds["ready"] + seconds["preview"] + seconds["ringing"]
    hours = sum(seconds.values()) / 3600
    sales = _count(calls.disposition == k.SALE)
    peak, mean = _lines(calls)
    taken = calls.agent >= 0
    return FloorSummary(
        dials=_count(by_agents),
        answers=_count(offered),
        drops=_count(drops),
        hung_up=_count(drops & calls.left),
        drop_rate=_ratio(_count(drops), _count(offered)),
        contacts=_count(contacts),
        contact_rate=_ratio(_count(contacts), _count(by_agents)),
        sales=sales,
        machines_stopped=_count(stopped),
        people_stopped=_count(stopped & (calls.true == k.HUMAN)),
        leads_dialled=len(np.unique(calls.lead[by_agents | voice])),
        leads_reached=len(np.unique(calls.lead[contacts])),
        occupancy=_ratio(handle, handle + idle),
        utilisation=_ratio(handle, hours * 3600),
        handle=_ratio(float((calls.wrap_end - calls.agent_at)[taken].sum()) / 1000, _count(taken)),
        hours=hours,
        sales_per_hour=_ratio(sales, hours),
        lines_peak=peak,
        lines_mean=mean,
        voice_dials=_count(voice),
        voice_heard=_count(voice & (calls.true == k.HUMAN) & (calls.answered >= 0)),
        offered=_count(callers),
        handled=_count(handled),
        abandoned=_count(callers) - _count(handled) - _count(blocked),
        blocked=_count(blocked),
        service_level=_ratio(_count(waits <= _THRESHOLD_MS), _count(callers)),
        wait=_ratio(float(waits.sum()) / 1000, len(waits)),
    )


def _state_seconds(log: "FloorLog") -> dict[str, float]:
    turns = log.turns
    spent = np.bincount(
        turns.state, weights=(turns.ended - turns.started) / 1000, minlength=len(STATES)
    )
    return dict(zip(STATES, spent.tolist(), strict=True))


def _lines(calls: "Calls") -> tuple[int, float]:
    """The most lines in use at once, and their mean while any is."""
    held = calls.ended > calls.started
    at = np.concatenate([calls.ended[held], calls.started[held]])
    change = np.repeat([-1, 1], held.sum())
    order = np.lexsort((change, at))
    used, at = np.cumsum(change[order]), at[order]
    if len(at) == 0:
        return 0, _UNKNOWN
    lasting = np.diff(at)
    return int(used.max()), _ratio(
        float((used[:-1] * lasting).sum()), float(lasting[used[:-1] > 0].sum())
    )


def _count(flags: npt.NDArray[np.bool_]) -> int:
    return int(flags.sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else _UNKNOWN

"""How new agents grow into the work: their rate and handling against settled colleagues."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from crmkit.analyses.agents.mix import Mix, expected_rates, expected_seconds
from crmkit.analyses.agents.options import Options
from crmkit.stats import wilson

__all__ = ["CLOSE", "Learning", "learned"]

Floats = npt.NDArray[np.float64]

CLOSE = 0.2
"""New agents are level when they are surely no more than a fifth behind."""
_Z = float(ndtri(0.975))
_RATES = ["week", "agents", "n", "x", "rate", "settled_rate", "ratio", "ratio_low", "ratio_high"]
_TIMES = [
    "handle",
    "settled_handle",
    "handle_ratio",
    "handle_ratio_low",
    "handle_ratio_high",
    "handle_n",
]
_PEOPLE = ["agent_id", "team", "hired", "weeks", "n", "x", "ratio", "ratio_low", "ratio_high"]


@dataclass(frozen=True, kw_only=True)
class Learning:
    """The curve by week since hiring, the new agents, and when they were level (None: not yet)."""

    curve: pd.DataFrame
    people: pd.DataFrame
    settled: int
    level_rate: int | None
    level_handle: int | None


def learned(cells: pd.DataFrame, spread: float, first_day: int, options: Options) -> Learning:
    """Outcome rate and handling of agents hired since the log began, against settled ones.

    What is expected of a new agent is what settled colleagues (hired `settled` weeks before the
    call or more, or not known when) would have reached on the same lists, hours and attempts.
    Intervals hold the chance of the counts and the spread between agents.
    """
    new = (cells.hired >= first_day).to_numpy(dtype=bool, na_value=False)
    base = ~new & (cells.week.isna() | (cells.week >= options.settled)).to_numpy(dtype=bool)
    settled = cells.agent_id[base & (cells.calls > 0).to_numpy()].nunique()
    n, x = cells.n.to_numpy(dtype=float), cells.x.to_numpy(dtype=float)
    known = base & (n > 0)
    if not new.any() or x[known].sum() == 0 or settled == 0:
        empty = pd.DataFrame(columns=_RATES + _TIMES), pd.DataFrame(columns=_PEOPLE)
        return Learning(
            curve=empty[0], people=empty[1], settled=settled, level_rate=None, level_handle=None
        )
    handled = cells.handle_n.to_numpy(dtype=float)
    seconds = cells.handle_sum.to_numpy(dtype=float)
    cells = cells.assign(
        expected=n * expected_rates(Mix.of(cells, n), x, base),
        expected_handle=handled * expected_seconds(Mix.of(cells, handled), seconds, base),
    )
    pace = _pace(cells[base])
    learners = cells[new & cells.week.notna().to_numpy()]
    weeks = sorted(int(week) for week in learners.week.unique() if week < options.settled)
    curve = [_row(learners[learners.week == week], week, spread, pace) for week in weeks]
    pooled = [
        _row(learners[learners.week.between(week, options.settled - 1)], week, spread, pace)
        for week in weeks
    ]
    return Learning(
        curve=pd.DataFrame(curve, columns=_RATES + _TIMES),
        people=_people(learners, spread, pace),
        settled=settled,
        level_rate=_first(weeks, [row["ratio_low"] > 1 - CLOSE for row in pooled]),
        level_handle=_first(weeks, [row["handle_ratio_high"] < 1 + CLOSE for row in pooled]),
    )


def _first(weeks: list[int], level: list[bool]) -> int | None:
    """The first week from which on they are level."""
    return next((week for week, good in zip(weeks, level, strict=True) if good), None)


def _row(part: pd.DataFrame, week: int, spread: float, pace: float) -> dict[str, float]:
    """New agents of a week, or from a week on, against what settled ones would have reached."""
    sums = part[["n", "x", "expected", "handle_n", "handle_sum", "handle_squares"]].sum()
    each = part.groupby("agent_id")[["expected", "expected_handle"]].sum()
    low, high = wilson(sums.x, sums.n)
    settled_rate = sums.expected / sums.n if sums.n else np.nan
    ratio, ratio_low, ratio_high = _widened(
        sums.x / sums.n if sums.n else np.nan,
        float(low),
        float(high),
        settled_rate,
        spread * (1 - settled_rate) * _lumps(each.expected),
    )
    handle = sums.handle_sum / sums.handle_n if sums.handle_n else np.nan
    settled_handle = each.expected_handle.sum() / sums.handle_n if sums.handle_n else np.nan
    error = _error_of_mean(sums)
    times = _widened(
        handle,
        max(handle - _Z * error, 0.0),
        handle + _Z * error,
        settled_handle,
        pace * _lumps(each.expected_handle),
    )
    return {
        "week": week,
        "agents": part.agent_id.nunique(),
        "n": sums.n,
        "x": sums.x,
        "rate": sums.x / sums.n if sums.n else np.nan,
        "settled_rate": settled_rate,
        "ratio": ratio,
        "ratio_low": ratio_low,
        "ratio_high": ratio_high,
        "handle": handle,
        "settled_handle": settled_handle,
        "handle_ratio": times[0],
        "handle_ratio_low": times[1],
        "handle_ratio_high": times[2],
        "handle_n": sums.handle_n,
    }


def _widened(
    value: float, low: float, high: float, against: float, spread: float
) -> tuple[float, float, float]:
    """A ratio with its interval: that of the counts and the spread between agents, in logs."""
    if not against > 0 or np.isnan(value):
        return float("nan"), float("nan"), float("nan")
    extra = _Z * spread
    if value == 0:
        return 0.0, 0.0, float(high / against * np.exp(extra))
    down = np.hypot(np.log(value / low), extra) if low > 0 else np.inf
    up = np.hypot(np.log(high / value), extra)
    ratio = value / against
    return float(ratio), float(ratio * np.exp(-down)), float(ratio * np.exp(up))


def _lumps(weights: "pd.Series[float]") -> float:
    """How much the differences of so many agents leave in their weighted mean: 1 for one."""
    total = weights.sum()
    return float(np.sqrt((weights**2).sum()) / total) if total > 0 else 1.0


def _error_of_mean(sums: "pd.Series[float]") -> float:
    n = sums.handle_n
    if n < 2:
        return float("nan")
    variance = max(sums.handle_squares - sums.handle_sum**2 / n, 0.0) / (n - 1)
    return float(np.sqrt(variance / n))


def _pace(cells: pd.DataFrame) -> float:
    """The spread of settled agents' handling over what is expected of them, chance taken off."""
    names = ["handle_n", "handle_sum", "handle_squares", "expected_handle"]
    each = cells.groupby("agent_id")[names].sum()
    each = each[each.handle_n >= 30]
    if len(each) < 2:
        return 0.0
    ratio = each.handle_sum / each.expected_handle
    errors = np.array([_error_of_mean(row) for _, row in each.iterrows()])
    chance = (errors / (each.expected_handle / each.handle_n)) ** 2
    return float(np.sqrt(max(ratio.var(ddof=1) - chance.mean(), 0.0)))


def _people(learners: pd.DataFrame, spread: float, pace: float) -> pd.DataFrame:
    """Each new agent: weeks so far, cases, and the ratio to settled colleagues."""
    rows = []
    for (agent, hired), part in learners.groupby(["agent_id", "hired"]):
        row = _row(part, 0, 0.0, pace)
        rows.append(
            {
                "agent_id": agent,
                "team": part.team.iloc[0],
                "hired": hired,
                "weeks": int((part["last"].max() - hired) // 7) + 1,
            }
            | {name: row[name] for name in _PEOPLE[4:]}
        )
    return pd.DataFrame(rows, columns=_PEOPLE)

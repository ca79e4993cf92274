"""The frames of traffic, from the counts that the engine gave."""

import datetime as dt

import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.stats import holm, mean_interval, two_proportions, wilson

__all__ = ["by_period", "by_source", "compared"]

COUNTS = ["visits", "visitors", "new", "views", "bounces", "timed", "seconds", "squares"]


def by_period(
    counts: pd.DataFrame,
    *,
    first: int,
    as_of: dt.date,
    period: periods.Period,
    told: pd.Timestamp | None,
) -> pd.DataFrame:
    """A row for each period from the first to that of `as_of`; one without visits has zeros."""
    last = periods.number_of(as_of, period)
    numbers = pd.RangeIndex(first, last + 1, name="period")
    rows = counts.set_index("period")[[*COUNTS, "median"]].reindex(numbers)
    rows[COUNTS] = rows[COUNTS].fillna(0).astype("int64")
    return rates(rows.reset_index(), as_of=as_of, period=period, told=told)


def by_source(
    counts: pd.DataFrame,
    *,
    first: int,
    as_of: dt.date,
    period: periods.Period,
    told: pd.Timestamp | None,
) -> pd.DataFrame:
    """A row for each period and source, unknown sources last, from the first period on."""
    rows = counts[counts.period >= first][["period", "key", *COUNTS, "median"]]
    rows = rows.astype(dict.fromkeys(COUNTS, "int64") | {"period": "int64"})
    rows = rows.assign(key=rows.key.astype("object").where(rows.key.notna(), None))
    rows = rows.sort_values(["period", "key"], na_position="last", ignore_index=True)
    return rates(rows, as_of=as_of, period=period, told=told)


def rates(
    rows: pd.DataFrame, *, as_of: dt.date, period: periods.Period, told: pd.Timestamp | None
) -> pd.DataFrame:
    """Counts with their rates, intervals, and the first day of their period.

    New visitors are nan in periods that begin before `told`, the day from which they are known.
    """
    running = _running(as_of, period)
    days = [pd.Timestamp(periods.period_start(n, period)) for n in rows.period]
    start = pd.Series(days, index=rows.index, dtype="datetime64[us]")
    rows = rows.assign(new=rows.new.where(start >= told) if told is not None else np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        bounce_low, bounce_high = wilson(rows.bounces, rows.visits)
        new_low, new_high = wilson(rows.new, rows.visitors)
        dwell_low, dwell_high = mean_interval(rows.seconds, rows.squares, rows.timed)
        frame = rows.assign(
            returning=rows.visitors - rows.new,
            new_rate=_over(rows.new, rows.visitors),
            new_rate_low=new_low,
            new_rate_high=new_high,
            depth=_over(rows["views"], rows.visits),
            bounce=_over(rows.bounces, rows.visits),
            bounce_low=bounce_low,
            bounce_high=bounce_high,
            dwell=_over(rows.seconds, rows.timed),
            dwell_low=dwell_low,
            dwell_high=dwell_high,
            dwell_median=rows["median"].astype("float64"),
            partial=rows.period == running,
        )
    frame.insert(0, "start", start)
    return frame.drop(columns=["period", "median", "seconds", "squares"])


def _running(as_of: dt.date, period: periods.Period) -> int | None:
    """The number of the period of `as_of`, unless it ends on that day."""
    last = periods.number_of(as_of, period)
    over = periods.number_of(as_of + dt.timedelta(days=1), period) != last
    return None if over else last


def _over(part: "pd.Series[int]", whole: "pd.Series[int]") -> "pd.Series[float]":
    return part / whole.astype("float64").where(whole > 0)


def compared(
    rows: pd.DataFrame, latest: pd.Timestamp | None, before: pd.Timestamp | None
) -> pd.DataFrame:
    """The sources of one period with their share, beside the period before, the largest first.

    Adds share with limits, visits_before and share_before (nan where there is no period before),
    change, and for the bounce rate against all other sources p and p_adjusted (Holm).
    """
    now = rows[rows.start == latest].copy()
    total = int(now.visits.sum())
    low, high = wilson(now.visits, total)
    now = now.assign(share=now.visits / total if total else np.nan, share_low=low, share_high=high)
    earlier = rows[rows.start == before].set_index("key") if before is not None else None
    if earlier is None:
        now = now.assign(visits_before=np.nan, share_before=np.nan)
    else:
        was = earlier.visits.reindex(now.key).fillna(0).to_numpy(dtype=float)
        whole = float(earlier.visits.sum())
        now = now.assign(visits_before=was, share_before=was / whole if whole else np.nan)
    now["change"] = now.visits - now.visits_before
    bounces = int(now.bounces.sum())
    now["p"] = [
        two_proportions(x, n, bounces - x, total - n) if n >= 30 else np.nan
        for x, n in zip(now.bounces, now.visits, strict=True)
    ]
    now["p_adjusted"] = holm(now.p)
    rest = np.asarray(total - now.visits, dtype=float)
    now["bounce_rest"] = (bounces - now.bounces) / np.where(rest > 0, rest, np.nan)
    return now.sort_values(["visits", "key"], ascending=[False, True], ignore_index=True)

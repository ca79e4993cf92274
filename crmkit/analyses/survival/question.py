"""The questions: how long customers stay, and how soon they return."""

from collections.abc import Sequence

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.analyses.survival.result import Survival
from crmkit.analyses.survival.rows import by_duration, first_returns
from crmkit.errors import ParameterError
from crmkit.kaplan_meier import at_times, kaplan_meier, log_rank, medians

__all__ = ["survival", "time_to_return"]


def survival(
    spells: ir.Table,
    *,
    by: str | None = None,
    at: Sequence[float] = (12, 24),
    unit: periods.Period = "month",
) -> Survival:
    """Share of customers still there after each duration, while some are still being observed.

    The product-limit estimate of Kaplan and Meier (1958) with intervals on the log-log scale
    (Greenwood's variance), medians, and the log-rank test over groups.

    Parameters:
        spells: one row a customer: `duration` (a number from 0 on, in `unit`s) and `ended` (true
            where it ended there, false where it is still open). Rows without them, or with a
            duration below 0, are left out and counted.
        by: a column that tells groups apart.
        at: durations to report, in `unit`s.
        unit: day, week, month, quarter or year.

    Returns: `Survival` with frames `curve` (duration, at_risk, ended, censored, survival, low,
        high), `points` (the curve at the durations of `at`; blank beyond the longest observed),
        `groups` (group, n, ended, median, median_low, median_high; all customers first without
        `by`), `group_curves`, `group_points` and `log_rank` (chi2, df, p, or None).
    Raises: InputError for a table without those columns; ParameterError for a negative `at`.

    >>> import ibis
    >>> spells = ibis.memtable({"duration": [1, 2, 2, 3], "ended": [True, True, False, False]})
    >>> survival(spells, at=(1, 2)).points.survival.round(2).tolist()
    [0.75, 0.5]
    """
    periods.number_of("2000-01-01", unit)
    return _survival(spells, by=by, at=at, unit=unit, returning=False, decisions=())


def time_to_return(
    events: ir.Table,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    by: str | None = None,
    at: Sequence[float] = (30, 60, 90, 180, 365),
) -> Survival:
    """Days from a customer's first day to the next day with activity; those yet to come count.

    What has not come back by `as_of` is open, not lost: the estimate of Kaplan and Meier (1958)
    uses it as long as it was observed. More than one row on the first day is no return.

    Parameters:
        events: a canonical table with `customer_id` and a time.
        as_of: the last calendar day that counts, included.
        timezone: IANA zone of the calendar.
        by: a column whose value at the first row (the least, of several at one instant) makes the
            groups.
        at: days to report.

    Returns: `Survival` as from `survival`, in days; `survival` there is the share that has NOT
        yet come back.
    Raises: InputError, ParameterError as in `survival`.

    >>> import datetime, ibis
    >>> days = [datetime.datetime(2011, 1, d) for d in (1, 11, 1)]
    >>> orders = ibis.memtable({"customer_id": ["a", "a", "b"], "ordered_at": days})
    >>> time_to_return(orders, as_of="2011-01-31", at=(5, 10)).points.survival.tolist()
    [1.0, 0.5]
    """
    spells = first_returns(events, as_of=as_of, timezone=timezone, by=by)
    decisions = (str(periods.day(as_of)), timezone)
    return _survival(
        spells, by="group" if by else None, at=at, unit="day", returning=True, decisions=decisions
    )


def _survival(
    spells: ir.Table,
    *,
    by: str | None,
    at: Sequence[float],
    unit: periods.Period,
    returning: bool,
    decisions: tuple[str, ...],
) -> Survival:
    times = tuple(float(time) for time in at)
    if any(time < 0 for time in times):
        raise ParameterError(f"at={tuple(at)!r}: durations are 0 or more.")
    raw = by_duration(spells, by).execute()
    raw = raw.sort_values(["group", "duration"], ignore_index=True)
    counts = raw[raw.usable].drop(columns="usable")
    whole = counts.groupby("duration", as_index=False)[["n", "ended"]].sum()
    curve = kaplan_meier(whole)
    points = at_times(curve, times)
    names = [None] if by is None else list(counts.group.drop_duplicates())
    curves = {}
    for name in names if len(counts) else []:
        own = counts[counts.group.isna()] if pd.isna(name) else counts[counts.group == name]
        curves[name] = kaplan_meier(own)
    return Survival(
        curve=curve,
        points=points,
        groups=_groups(curves),
        group_curves=_labelled(curves if by is not None else {}, curve),
        group_points=_labelled(
            {name: at_times(own, times) for name, own in curves.items()} if by is not None else {},
            points,
        ),
        log_rank=log_rank(counts) if by is not None else None,
        dropped=int(raw.n[~raw.usable].sum()),
        unit=unit,
        returning=returning,
        by=by,
        decisions=decisions,
    )


def _groups(curves: dict[str | None, pd.DataFrame]) -> pd.DataFrame:
    rows = [
        (name, int(own.at_risk.iloc[0]), int(own.ended.sum()), *medians(own))
        for name, own in curves.items()
    ]
    columns = ["group", "n", "ended", "median", "median_low", "median_high"]
    return pd.DataFrame(rows, columns=columns)


def _labelled(frames: dict[str | None, pd.DataFrame], like: pd.DataFrame) -> pd.DataFrame:
    """The frames of the groups in one, with their group; as `like` where there are none."""
    parts = [own.assign(group=name) for name, own in frames.items()]
    joined = pd.concat(parts, ignore_index=True) if parts else like.iloc[:0].assign(group=None)
    return joined[["group", *like.columns]]

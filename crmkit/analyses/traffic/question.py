"""Traffic of the site: who came, from where, for how long, and who comes back."""

import datetime as dt
from collections.abc import Sequence

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.activity import value_of
from crmkit.analyses.traffic import frames
from crmkit.analyses.traffic.result import Traffic
from crmkit.analyses.traffic.returns import revisits
from crmkit.analyses.traffic.rows import counted
from crmkit.analyses.traffic.visits import Rules
from crmkit.errors import ParameterError

__all__ = ["traffic"]


def traffic(
    events: ir.Table,
    *,
    as_of: periods.Day,
    start: periods.Day | None = None,
    timezone: str = "UTC",
    period: periods.Period = "week",
    by: str = "channel",
    gap: float = 30,
    views: Sequence[str] | None = None,
    passive: Sequence[str] = ("scroll", "click"),
    memory: int = 30,
) -> Traffic:
    """Page views, visits, visitors, bounces, time on the site and returns, by period and source.

    A visit is the events of one session_id; events without one belong to a visit of their visitor
    that ends after a pause of more than `gap`. It counts in the period it began in, where it saw a
    page. A bounce saw one page and did nothing but what is passive. Dwell time runs from the first
    event to the last and is unknown for a visit of one event. A visitor is new in the period of the
    first visit in the data, also before `start`.

    Parameters:
        events: the canonical table; visitor_id, customer_id and session_id may be missing.
        as_of: the last local calendar day that counts, included.
        start: the first local day; the data's first by default. A first period that begins before
            it is left out, where others follow.
        timezone: IANA zone of the calendar.
        period: day, week, month, quarter or year.
        by: the column that tells sources apart, by the first event of the visit.
        gap: minutes.
        views: events that are page views; page_view and view_... by default.
        passive: events that leave a visit of one page a bounce.
        memory: days that the data must reach back before new visitors can be told from returning
            ones; they are blank in periods that begin earlier.

    Returns: `Traffic` with the frames `periods` (start, visits, visitors, new, returning, views,
        bounces, bounce with limits, dwell in seconds with limits, dwell_median, depth, new_rate,
        partial), `by_source` (the same by key), `sources` (the last complete period against the
        one before: share with limits, change, bounce against the rest with p_adjusted), `words`
        (the same for search words) and `revisits` (days to the next visit).
    Raises: ParameterError for arguments that cannot be; InputError for missing columns.
    Sources: visits and bounces as in Google Analytics; days to return by Kaplan and Meier (1958).

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 5, 5, 10)
    >>> rows = [("1", "a", at), ("2", "a", at + dt.timedelta(minutes=30)), ("3", "b", at)]
    >>> seen = ibis.memtable([
    ...     {"event_id": k, "visitor_id": who, "occurred_at": when, "event": "page_view",
    ...      "channel": "ads"} for k, who, when in rows])
    >>> found = traffic(seen, as_of="2025-05-11").periods
    >>> found[["visits", "visitors", "views", "bounces", "dwell"]].values.tolist()
    [[2.0, 2.0, 3.0, 1.0, 1800.0]]
    """
    day, rules = periods.day(as_of), Rules.of(gap, views, passive)
    first_day = None if start is None else periods.day(start)
    if first_day is not None and first_day > day:
        raise ParameterError(f"start={first_day} lies after as_of={day}. Give an earlier start.")
    if memory < 0:
        raise ParameterError(f"memory is {memory} days. Give 0 or more.")
    value_of(events, by)
    raw = counted(
        events,
        as_of=day,
        start=first_day,
        timezone=timezone,
        period=period,
        by=by,
        rules=rules,
    ).execute()
    total = raw[raw.part == "total"].iloc[0]
    begins = _begins(total, first_day)
    told = _told_from(total, memory)
    first, cut = _first_period(begins, day, period)
    whole = frames.by_period(
        raw[raw.part == "period"], first=first, as_of=day, period=period, told=told
    )
    sources = frames.by_source(
        raw[raw.part == "group"], first=first, as_of=day, period=period, told=told
    )
    _check(whole, sources, total, raw[(raw.part == "period") & (raw.period < first)])
    latest, before = _two(whole) if begins is not None else (None, None)
    words = frames.by_source(
        raw[raw.part == "word"], first=first, as_of=day, period=period, told=told
    )
    return Traffic(
        periods=whole if begins is not None else whole.iloc[:0],
        by_source=sources,
        sources=frames.compared(sources, latest, before),
        words=frames.compared(words, latest, before),
        revisits=revisits(raw[raw.part == "gap"]),
        latest=latest,
        unplaced=int(total["views"]),
        cut=cut,
        first_day=begins,
        as_of=day,
        timezone=timezone,
        period=period,
        by=by,
        rules=rules,
        memory=memory,
    )


def _told_from(total: "pd.Series[float]", memory: int) -> pd.Timestamp | None:
    """The first day from which a new visitor is known to be new."""
    if pd.isna(total.day):
        return None
    return pd.Timestamp(periods.period_start(int(total.day), "day")) + pd.Timedelta(days=memory)


def _begins(total: "pd.Series[float]", start: dt.date | None) -> dt.date | None:
    """The first day that is known, None where there were no visits."""
    if int(total.visits) == 0:
        return None
    known = periods.period_start(int(total.day), "day")
    return known if start is None else max(known, start)


def _first_period(begins: dt.date | None, day: dt.date, period: periods.Period) -> tuple[int, bool]:
    """The first period that is whole, and whether one before it was left out."""
    if begins is None:
        return periods.number_of(day, period), False
    number = periods.number_of(begins, period)
    cut = periods.period_start(number, period) < begins
    if cut and number < periods.number_of(day, period):
        return number + 1, True
    return number, False


def _check(
    whole: pd.DataFrame, sources: pd.DataFrame, total: "pd.Series[float]", left: pd.DataFrame
) -> None:
    """Visits of sources sum to those of periods, and these to all."""
    assert int(sources.visits.sum()) == int(whole.visits.sum())
    assert int(whole.visits.sum() + left.visits.sum()) == int(total.visits)
    assert bool((whole.new.fillna(0) <= whole.visitors).all())


def _two(whole: pd.DataFrame) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """The last complete period, else the running one; and the complete one before it."""
    complete = whole[~whole.partial]
    if complete.empty:
        return whole.start.iloc[-1], None
    return complete.start.iloc[-1], complete.start.iloc[-2] if len(complete) > 1 else None

"""Visits: the events of one unit that belong together."""

import ibis
import ibis.expr.types as ir

from crmkit.errors import ParameterError

__all__ = ["with_sessions"]


def with_sessions(rows: ir.Table, *, gap_minutes: int = 30) -> ir.Table:
    """Events with a column `session`: the capture's own, or made by pauses.

    Events without a session_id are a new visit of their unit after more than `gap_minutes` without
    one. Google Analytics and its peers use 30 minutes.

    Parameters: `rows`, with `unit`, `at`, `event_id` and, where the capture gives it, session_id.
    Returns: the rows with the string column `session`, never null.
    Raises: ParameterError for a pause of nothing.

    >>> import datetime
    >>> day = datetime.datetime(2025, 1, 1)
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2", "3"],
    ...         "unit": ["u"] * 3,
    ...         "at": [day + datetime.timedelta(minutes=m) for m in (0, 30, 61)],
    ...     }
    ... )
    >>> with_sessions(rows).order_by("event_id").session.execute().tolist()
    ['u#1', 'u#1', 'u#2']
    """
    if gap_minutes <= 0:
        raise ParameterError(f"gap_minutes={gap_minutes}: give more than none.")
    given = rows["session_id"] if "session_id" in rows.columns else ibis.null("string")
    rows = rows.mutate(session_given=given, session_open=given.isnull())
    keys, order = ["unit", "session_open"], ["at", "event_id"]
    rows = rows.mutate(session_last=rows["at"].lag().over(group_by=keys, order_by=order))
    pause = ibis.interval(minutes=gap_minutes)
    begins = rows.session_last.isnull() | (rows["at"] > rows.session_last + pause)
    rows = rows.mutate(session_begins=begins.ifelse(1, 0))
    running = ibis.cumulative_window(group_by=keys, order_by=order)
    number = rows.session_begins.sum().over(running).cast("string")
    made = rows.unit + ibis.literal("#") + number
    rows = rows.mutate(session=ibis.coalesce(rows.session_given, made))
    return rows.drop("session_given", "session_open", "session_last", "session_begins")

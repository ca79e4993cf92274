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
    if "session_id" not in rows.columns:
        return _by_pauses(rows, gap_minutes)
    given = rows.filter(rows.session_id.notnull())
    made = _by_pauses(rows.filter(rows.session_id.isnull()), gap_minutes)
    return given.mutate(session=given.session_id.cast("string")).union(made)


def _by_pauses(rows: ir.Table, gap_minutes: int) -> ir.Table:
    order = {"group_by": "unit", "order_by": ["at", "event_id"]}
    rows = rows.mutate(session_last=rows["at"].lag().over(**order))
    pause = ibis.interval(minutes=gap_minutes)
    begins = rows.session_last.isnull() | (rows["at"] > rows.session_last + pause)
    rows = rows.mutate(session_begins=begins.ifelse(1, 0))
    number = rows.session_begins.sum().over(ibis.cumulative_window(**order)).cast("string")
    rows = rows.mutate(session=rows.unit + ibis.literal("#") + number)
    return rows.drop("session_last", "session_begins")

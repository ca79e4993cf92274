"""Who did something, and when: any canonical table read as a stream of activity."""

import datetime as dt

import ibis.expr.types as ir

from crmkit import schema
from crmkit.errors import InputError, ParameterError, nearest

__all__ = ["activity", "matching", "time_column", "value_of"]

_TIMES = sorted(
    {t.time for t in schema.TABLES.values() if t.time and "customer_id" in t.names} - {"day"}
)


def time_column(events: ir.Table) -> str:
    """The column that says when, of a table that has `customer_id` and one known time.

    Raises: InputError where there is no customer, or not exactly one known time column.

    >>> import ibis
    >>> time_column(ibis.table({"customer_id": "string", "ordered_at": "timestamp"}, name="orders"))
    'ordered_at'
    """
    if "customer_id" not in events.columns:
        raise InputError(
            f"The table has no column customer_id. It has: {', '.join(events.columns)}."
        )
    found = [name for name in _TIMES if name in events.columns]
    if len(found) != 1:
        raise InputError(
            f"The table needs exactly one of the time columns {', '.join(_TIMES)}; "
            f"it has {', '.join(found) or 'none'}."
        )
    return found[0]


def activity(events: ir.Table, *, end: dt.datetime) -> ir.Table:
    """The rows before a UTC instant, with their time as `at`; unknown customers are still there.

    >>> import datetime, ibis
    >>> rows = ibis.memtable(
    ...     {
    ...         "customer_id": ["a", "b"],
    ...         "ordered_at": [datetime.datetime(2011, 1, 1), datetime.datetime(2011, 2, 1)],
    ...     }
    ... )
    >>> activity(rows, end=datetime.datetime(2011, 2, 1)).customer_id.execute().tolist()
    ['a']
    """
    rows = events.mutate(at=events[time_column(events)])
    return rows.filter(rows.at < end)


def matching(rows: ir.Table, what: object, *, name: str) -> ir.BooleanValue | None:
    """Which rows are the event meant: all (None), those of an event name, or of a condition.

    Parameters: `what`, None, a value of the column `event`, or a deferred condition such as
    `ibis._.amount > 100`; `name`, the argument's name, for the message.
    Returns: a boolean expression that is never null; None where every row is meant.
    Raises: ParameterError where the table has no column `event`, or `what` is something else.
    """
    if what is None:
        return None
    if isinstance(what, str):
        if "event" not in rows.columns:
            raise ParameterError(
                f"{name}={what!r} names an event, but the table has no column event. "
                "Give a condition such as ibis._.category == 'books'."
            )
        return (rows.event == what).fill_null(False)
    if not hasattr(what, "resolve"):
        raise ParameterError(
            f"{name}={what!r} is neither an event name nor a condition such as ibis._.amount > 100."
        )
    condition = what.resolve(rows)
    if not isinstance(condition, ir.BooleanValue):
        raise ParameterError(f"{name} is not a condition: it gives {condition.type()}.")
    return condition.fill_null(False)


def value_of(rows: ir.Table, breakdown: str) -> ir.StringValue:
    """The column that tells groups apart, as text.

    Raises: ParameterError where the table has no such column, naming the nearest.
    """
    if breakdown not in rows.columns:
        guess = nearest(breakdown, rows.columns)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(
            f"The table has no column {breakdown!r} to break down by.{hint} "
            f"It has: {', '.join(rows.columns)}."
        )
    return rows[breakdown].cast("string")

"""Visits out of events: by the visit's own id, or by a gap in what a visitor did."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from crmkit.activity import matching, value_of
from crmkit.errors import InputError, ParameterError

__all__ = ["Rules", "unplaced", "visits"]

_NEEDED = ("event_id", "occurred_at", "event")
_WHO = ("visitor_id", "customer_id", "session_id")
_NO_ID = -1
_SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What makes a visit: the pause that ends it, its page views, and what is no activity.

    `gap` in minutes; `views`, the events that are page views, None for page_view and those that
    begin with view_; `passive`, events that do not save a visit of one page from being a bounce.
    """

    gap: float = 30
    views: tuple[str, ...] | None = None
    passive: tuple[str, ...] = ("scroll", "click")

    @classmethod
    def of(cls, gap: float, views: Sequence[str] | None, passive: Sequence[str]) -> "Rules":
        """Checked rules.

        Raises: ParameterError for a gap of 0 or less, or no event that could be a page view.
        """
        if not 0 < gap < float("inf"):
            raise ParameterError(f"gap is {gap!r} minutes. Give more than 0, such as 30.")
        for name, given in (("views", views), ("passive", passive)):
            if isinstance(given, str):
                raise ParameterError(f"{name}={given!r} is one word. Give a list: [{given!r}].")
        if views is not None and not views:
            raise ParameterError("views is empty. Name the events that are page views.")
        return cls(gap=gap, views=None if views is None else tuple(views), passive=tuple(passive))

    def is_view(self, event: ir.StringValue) -> ir.BooleanValue:
        """Whether an event is a page view."""
        if self.views is None:
            return (event == "page_view") | event.startswith("view_")
        return event.isin(self.views)

    def is_passive(self, event: ir.StringValue) -> ir.BooleanValue:
        """Whether an event leaves a visit of one page a bounce."""
        return event.isin(self.passive) if self.passive else ibis.literal(False)


def visits(
    events: ir.Table,
    *,
    end: dt.datetime,
    rules: Rules,
    keep: Mapping[str, str] | None = None,
    goal: object = None,
) -> ir.Table:
    """One row for each visit that saw a page.

    A visit is the events of one session_id; events without one belong to a visit of their visitor
    that ends when more than the gap passes. The visitor is visitor_id, else customer_id.

    Parameters: `end`, the UTC instant before which events count; `keep`, names and the columns
    whose value at the first event they keep, as text; `goal`, an event name or condition counted.
    Returns: visit and number (together its key), visitor (null where unknown), begins, ends,
    events, views, active (events that are neither views nor passive), goals, and `keep`.
    Raises: InputError where columns are missing.
    """
    kept = keep or {}
    rows = _rows(events, end=end, rules=rules, keep=kept, goal=goal)
    order = [rows.at, rows.event_id]
    first = ibis.row_number().over(group_by=[rows.visit, rows.number], order_by=order) == 0
    rows = rows.mutate(first=first)
    counted = rows.group_by(["visit", "number"]).aggregate(
        visitor=rows.visitor.min(),
        begins=rows.at.min(),
        ends=rows.at.max(),
        events=rows.count(),
        views=rows.seen.sum(),
        active=rows.active.sum(),
        goals=rows.goal.sum(),
        **{name: ibis.ifelse(rows["first"], rows[name], None).max() for name in kept},
    )
    return counted.filter(counted.views > 0)


def unplaced(events: ir.Table, *, end: dt.datetime, rules: Rules) -> ir.Table:
    """One row: `views`, page views that name neither a visit nor a visitor."""
    known = _named(events)
    alone = known.filter(known.occurred_at < end, known.session_id.isnull(), known.visitor.isnull())
    return alone.aggregate(views=rules.is_view(alone.event).cast("int64").sum().fill_null(0))


def _named(events: ir.Table) -> ir.Table:
    missing = [name for name in _NEEDED if name not in events.columns]
    if missing:
        raise InputError(
            f"The table has no column {', '.join(missing)}. It has: {', '.join(events.columns)}."
        )
    absent = {name: ibis.null("string") for name in _WHO if name not in events.columns}
    table = events.mutate(**absent) if absent else events
    by_customer = ibis.literal("customer ") + table.customer_id
    return table.mutate(visitor=table.visitor_id.coalesce(by_customer))


def _rows(
    events: ir.Table, *, end: dt.datetime, rules: Rules, keep: Mapping[str, str], goal: object
) -> ir.Table:
    """The events of visits, each with the key of its visit."""
    table = _named(events)
    table = table.filter(table.occurred_at < end)
    view = rules.is_view(table.event)
    reached = matching(table, goal, name="goal")
    if reached is None:
        reached = ibis.literal(False)
    rows = table.select(
        "event_id",
        "visitor",
        "session_id",
        at=table.occurred_at,
        seen=view.cast("int64"),
        active=(~view & ~rules.is_passive(table.event)).cast("int64"),
        goal=reached.cast("int64"),
        **{name: value_of(table, column) for name, column in keep.items()},
    )
    given = rows.filter(rows.session_id.notnull())
    given = given.mutate(visit=given.session_id, number=ibis.literal(_NO_ID, type="int64"))
    made = _by_gap(rows.filter(rows.session_id.isnull(), rows.visitor.notnull()), rules.gap)
    return given.union(made.select(*given.columns))


def _by_gap(rows: ir.Table, gap: float) -> ir.Table:
    """Events without a visit's id, numbered by pauses longer than the gap."""
    order = [rows.at, rows.event_id]
    before = rows.at.lag().over(group_by=rows.visitor, order_by=order)
    rows = rows.mutate(before=before)
    pause = rows.at.delta(rows.before, unit="microsecond")
    begins = rows.before.isnull() | (pause > int(gap * 60 * _SECOND))
    rows = rows.mutate(begins=begins.cast("int64"))
    running = ibis.cumulative_window(group_by=rows.visitor, order_by=[rows.at, rows.event_id])
    return rows.mutate(visit=rows.visitor, number=rows.begins.sum().over(running))

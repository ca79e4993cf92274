"""The one expression of traffic: visits counted by period, source, search word and return."""

import datetime as dt
from typing import Any

import ibis
import ibis.expr.types as ir

from crmkit import periods
from crmkit.analyses.traffic.visits import Rules, unplaced, visits

__all__ = ["counted"]

_COUNTS = ("visits", "visitors", "new", "views", "bounces", "timed", "seconds", "squares")
_KEYWORD_PERIODS = 3
"""The running period and the two before: what a list of search words compares."""


def counted(
    events: ir.Table,
    *,
    as_of: dt.date,
    start: dt.date | None,
    timezone: str,
    period: periods.Period,
    by: str,
    rules: Rules,
) -> ir.Table:
    """All counts in one table: the column `part` says which a row belongs to.

    `total`: the first day of the data, visits from `start` on, page views in no visit. `period`: by
    period. `group`: by period and source. `word`: by period and search word, the last three
    periods. `gap`: by source and days to the visitor's next visit (`new` returned) or to the end
    (`visits` - `new` did not).
    """
    end = periods.day_end(as_of, timezone)
    words = {"word": "keyword"} if "keyword" in events.columns else {}
    found = visits(events, end=end, rules=rules, keep={"key": by, **words})
    rows = _marked(found, timezone=timezone, period=period, end=end)
    within = rows
    if start is not None:
        within = rows.filter(rows.begins >= periods.day_start(start, timezone))
    alone = unplaced(events, end=end, rules=rules)
    whole = within.aggregate(visits=within.count()).cross_join(rows.aggregate(day=rows.day.min()))
    parts = [
        _part("total", whole.cross_join(alone)),
        _part("period", within.group_by("period").aggregate(**_sums(within))),
        _part("group", within.group_by(["period", "key"]).aggregate(**_sums(within))),
        _part("gap", _returns(within, as_of)),
    ]
    if words:
        recent = within.filter(
            within.period > periods.number_of(as_of, period) - _KEYWORD_PERIODS,
            within.word.notnull(),
        ).mutate(key=lambda t: t.word)
        parts.append(_part("word", recent.group_by(["period", "key"]).aggregate(**_sums(recent))))
    return ibis.union(*parts)


def _marked(
    found: ir.Table, *, timezone: str, period: periods.Period, end: dt.datetime
) -> ir.Table:
    """Visits with their period and day, whether they are the visitor's first, and the next one."""
    order = [found.begins, found.visit, found.number]
    rank = ibis.row_number().over(group_by=found.visitor, order_by=order)
    following = found.begins.lead().over(group_by=found.visitor, order_by=order)
    rows = found.mutate(
        period=periods.period_number(found.begins, period, timezone, until=end),
        day=periods.day_number(found.begins, timezone, until=end),
        is_new=((rank == 0) & found.visitor.notnull()).cast("int64"),
        next_at=following,
        bounce=((found.views == 1) & (found.active == 0)).cast("int64"),
        timed=(found.events > 1).cast("int64"),
        seconds=found.ends.delta(found.begins, unit="microsecond").cast("int64") // 1_000_000,
    )
    return rows.mutate(next_day=periods.day_number(rows.next_at, timezone, until=end))


def _sums(rows: ir.Table) -> dict[str, Any]:
    known = ibis.ifelse(rows.timed == 1, rows.seconds, ibis.null("int64"))
    return {
        "visits": rows.count(),
        "visitors": rows.visitor.nunique(),
        "new": rows.is_new.sum(),
        "views": rows.views.sum(),
        "bounces": rows.bounce.sum(),
        "timed": rows.timed.sum(),
        "seconds": known.sum().fill_null(0),
        "squares": (known * known).sum().fill_null(0),
        "median": known.cast("float64").median(),
    }


def _returns(rows: ir.Table, as_of: dt.date) -> ir.Table:
    """Visits of known visitors by source and days to the next visit, or to the end."""
    known = rows.filter(rows.visitor.notnull())
    last = periods.number_of(as_of, "day")
    days = ibis.ifelse(known.next_at.notnull(), known.next_day, last) - known.day
    known = known.mutate(days=days)
    return known.group_by(key=known.key, day=known.days).aggregate(
        visits=known.count(), new=known.next_at.notnull().cast("int64").sum()
    )


def _part(name: str, table: ir.Table) -> ir.Table:
    """Rows of one part, with the columns that all parts have."""

    def column(what: str, type_: str) -> ir.Value:
        return table[what].cast(type_) if what in table.columns else ibis.null(type_)

    return table.select(
        part=ibis.literal(name),
        period=column("period", "int64"),
        key=column("key", "string"),
        day=column("day", "int64"),
        **{count: column(count, "int64") for count in _COUNTS},
        median=column("median", "float64"),
    )

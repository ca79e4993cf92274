"""What the engine is asked: past snapshots thirty days apart, and that of the day."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.analyses.churn.leaving import Leaving
from crmkit.purchases import purchases
from crmkit.snapshots import snapshots

__all__ = ["Learnable", "asked", "learnable", "never_activated", "score_day"]

_STEP, _FEWEST = 30, 4
_TIMES = {"events": "occurred_at", "calls": "started_at"}
_MOST = 50_000
"""Customers of a past snapshot that are learnt from; of more, every second, third ..."""


def score_day(day: dt.date) -> int:
    """A day as snapshots number it."""
    return (day - dt.date(1970, 1, 1)).days


def asked(
    orders: ir.Table,
    events: ir.Table | None,
    calls: ir.Table | None,
    *,
    day: dt.date,
    timezone: str,
    leaving: Leaving,
    past: Sequence[dt.date],
    signs: Sequence[str],
    identities: ir.Table | None,
    ends: ir.Table | None,
) -> ir.Table:
    """Rows of all snapshots in one pass: those of the day, and a share of the past ones."""
    rows = snapshots(
        orders, events, calls,
        days=[day, *past], timezone=timezone, followed=leaving.followed, gap=leaving.gap,
        signs=signs, identities=identities, ends=ends, until=day,
    )  # fmt: skip
    now = rows.snapshot == score_day(day)
    rows = rows.filter(now | (rows.silent < leaving.followed) | (rows.recency < leaving.followed))
    turn = ibis.row_number().over(group_by="snapshot", order_by="customer_id")
    rows = rows.mutate(turn=turn, many=rows.count().over(ibis.window(group_by="snapshot")))
    every = (rows.many + _MOST - 1) // _MOST
    kept = (rows.snapshot == score_day(day)) | (rows.turn % every == 0)
    return rows.filter(kept).drop("turn", "many")


@dataclass(frozen=True)
class Learnable:
    """The past snapshots to learn from, and the streams known long enough for their features.

    `short` says from which day a stream is known that was left out.
    """

    past: tuple[dt.date, ...]
    streams: tuple[str, ...]
    short: Mapping[str, dt.date]


def learnable(
    tables: Mapping[str, ir.Table | None],
    *,
    day: dt.date,
    timezone: str,
    leaving: Leaving,
    history: int,
) -> Learnable:
    """Snapshots thirty days apart, the latest being the last that was followed to its end.

    A stream must be known for ninety days before a snapshot, or silence would be mistaken for
    absence. Where at least four snapshots have that, the others are left out; else the stream is.
    Parameters: `tables`, events and calls by the name of their stream, or None.
    """
    first = leaving.gap + leaving.followed
    past = [day - dt.timedelta(days=first + _STEP * k) for k in range(history)]
    streams: list[str] = []
    short: dict[str, dt.date] = {}
    for name, rows in tables.items():
        if rows is None:
            continue
        begin = rows[_TIMES[name]].min().execute()
        if pd.isna(begin):
            continue
        begins = pd.Timestamp(begin, tz="UTC").tz_convert(periods.zone(timezone)).date()
        known = [d for d in past if begins <= d - dt.timedelta(days=90)]
        if len(known) >= min(_FEWEST, history):
            past, streams = known, [*streams, name]
        else:
            short[name] = begins
    return Learnable(tuple(past), tuple(streams), short)


def never_activated(
    customers: ir.Table | None, orders: ir.Table, day: dt.date, timezone: str
) -> int | None:
    """Customers known by the day who never bought; None where there is no table of customers."""
    if customers is None:
        return None
    end = periods.day_end(day, timezone)
    bought = purchases(orders)
    bought = bought.filter(bought.ordered_at < end).select("customer_id").distinct()
    known = customers.filter(customers.created_at.isnull() | (customers.created_at < end))
    return int(known.anti_join(bought, "customer_id").count().execute())

"""What is known of a lead when it comes in or is given out: its traits, counted into cells."""

import datetime as dt
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from crmkit.analyses.leads.rows import assignments, known_leads, known_steps

__all__ = ["AGAIN", "keys", "trait_cells", "traits"]

AGAIN = 3
"""From how many earlier assignments on it makes no difference how many there were."""


def keys(events: Sequence[str]) -> list[str]:
    """The columns that tell one cell from another."""
    return ["source", "list", "again", *(f"seen {event}" for event in events)]


def traits(
    leads: ir.Table, seen: ir.Table | None, events: Sequence[str], end: dt.datetime, lookback: int
) -> ir.Table:
    """Leads with what their person did before they came in, and never what they did after.

    Parameters: `seen`, events with `unit` (of `with_unit`), or None; `events`, which of them
    count; `lookback`, days before the lead.
    Returns: lead_id, customer_id, source, list, created_at, and 0 or 1 in `seen EVENT`.
    """
    made = known_leads(leads, end)
    made = made.mutate(
        source=made.source.fill_null(""),
        list=made.list_id.fill_null(""),
        created_at=made.created_at.cast("timestamp"),
    ).select("lead_id", "customer_id", "source", "list", "created_at")
    if seen is None or not events:
        return made.mutate(**{f"seen {event}": ibis.literal(0, "int64") for event in events})
    did = seen.filter(seen.event.isin(list(events)))
    did = did.filter(did.unit.startswith("c:")).select(
        who=did.unit.substr(2), event="event", at=did.occurred_at.cast("timestamp")
    )
    of = made.filter(~made.customer_id.isnull()).select("lead_id", "customer_id", "created_at")
    before = of.inner_join(did, of.customer_id == did.who)
    before = before.filter(
        before["at"] < before.created_at,
        before["at"] >= before.created_at - ibis.interval(days=lookback),
    )
    found = before.group_by(before.lead_id.name("_lead")).aggregate(
        **{f"seen {e}": (before.event == e).cast("int64").max() for e in events}
    )
    flags = [f"seen {event}" for event in events]
    rows = made.left_join(found, made.lead_id == found["_lead"]).select(*made.columns, *flags)
    return rows.mutate(**{flag: rows[flag].fill_null(0).cast("int64") for flag in flags})


def trait_cells(
    known: ir.Table,
    lead_events: ir.Table,
    events: Sequence[str],
    start: dt.datetime,
    middle: dt.datetime,
    end: dt.datetime,
    window: int,
) -> ir.Table:
    """Assignments to owners that are old enough, by their traits and by part, with their wins.

    An assignment is in the earlier part where it could be won by `middle`, so that nothing learnt
    of it comes later; in the later part where it was given out from `middle` on. Those between are
    in neither.

    Returns: the columns of `keys`; part ("earlier", "later" or "between"), n, won.
    """
    given = assignments(known_steps(lead_events, end))
    given = given.filter(~given.agent.isnull(), given.dispatched >= start)
    last = ibis.literal(end - dt.timedelta(days=window)).cast("timestamp")
    given = given.filter(given.dispatched < last)
    named = known.drop("customer_id").rename(_lead="lead_id")
    rows = given.inner_join(named, given.lead_id == named["_lead"])
    early = ibis.literal(middle - dt.timedelta(days=window)).cast("timestamp")
    late = ibis.literal(middle).cast("timestamp")
    soon = rows.dispatched + ibis.interval(days=window)
    rows = rows.mutate(
        again=ibis.least(rows["round"] - 1, ibis.literal(AGAIN)).cast("int64"),
        part=ibis.cases(
            (rows.dispatched < early, "earlier"),
            (rows.dispatched >= late, "later"),
            else_="between",
        ),
        is_won=(~rows.won.isnull() & (rows.won < soon)).fill_null(False),
    )
    return rows.group_by([*keys(events), "part"]).aggregate(
        n=rows.count().cast("int64"), won=rows.is_won.cast("int64").sum().cast("int64")
    )

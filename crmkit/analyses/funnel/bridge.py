"""Numbers that should agree with the funnel's, and what lies between them where they do not."""

from collections.abc import Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit.analyses.funnel.question import COLUMNS, Span
from crmkit.persons import with_unit
from crmkit.purchases import purchases
from crmkit.sessions import with_sessions
from crmkit.steps import Matching, Step, reach

__all__ = ["bridged", "unplaced"]


def bridged(
    events: ir.Table,
    steps: Sequence[Step],
    how: Matching,
    span: Span,
    identities: ir.Table | None,
    orders: ir.Table | None,
    leads: ir.Table | None,
) -> ir.Table:
    """Units with the first and last step, buyers, leads, rows without a unit or a time, visits.

    Each unit is sorted by what it did: entered or not, finished or not, the last step in time or
    not, an order or a lead in time or not. Orders and leads belong to people: where visits or
    accounts are followed, there is nothing to compare them with.
    """
    whole = replace(how, breakdown=None)
    timed = events.filter(~events.occurred_at.isnull())
    units = with_unit(timed, how.unit, identities=identities)
    begun = units.filter(units.occurred_at >= span.start, units.occurred_at < span.end)
    first = begun.filter(steps[0].holds(begun)).select("unit").distinct()
    last = begun.filter(steps[-1].holds(begun)).select("unit").distinct()
    found = reach(
        events, steps, whole, start=span.start, end=span.end, identities=identities
    ).select("unit", "reached")
    done = found.filter(found.reached == len(steps))
    lines = {
        "first": first,
        "entered": found,
        "first_only": first.anti_join(found, "unit"),
        "entered_only": found.anti_join(first, "unit"),
        "last": last,
        "finished": done,
        "last_only": last.anti_join(done, "unit"),
        "no_time": events.filter(events.occurred_at.isnull()),
        "timed": timed,
        "placed": units,
    }
    if how.unit == "person":
        visits = with_sessions(begun.mutate(at=begun.occurred_at))
        lines["visits"] = visits.filter(steps[0].holds(visits)).select("session").distinct()
        if orders is not None:
            bought = _customers(purchases(orders), "ordered_at", span)
            lines |= {
                "buyers": bought,
                "buyers_only": bought.anti_join(done, "unit"),
                "finished_no_order": done.anti_join(bought, "unit"),
            }
        if leads is not None:
            known = _customers(leads, "created_at", span)
            lines |= {
                "leads": known,
                "leads_only": known.anti_join(done, "unit"),
                "finished_no_lead": done.anti_join(known, "unit"),
            }
    return ibis.union(*(_line(name, rows) for name, rows in lines.items()))


def _customers(rows: ir.Table, time: str, span: Span) -> ir.Table:
    """The people with a row in the span."""
    rows = rows.filter(rows[time] >= span.start, rows[time] < span.end)
    rows = rows.filter(~rows.customer_id.isnull())
    return rows.select(unit=ibis.literal("c:") + rows.customer_id).distinct()


def _line(name: str, rows: ir.Table) -> ir.Table:
    """One row of the answer: how many rows there are."""
    told = rows.aggregate(units=rows.count())
    given = {"part": ibis.literal("bridge"), "value": ibis.literal(name), "units": told.units}
    return told.select(
        **{
            column: given[column].cast(kind) if column in given else ibis.null(kind)
            for column, kind in COLUMNS.items()
        }
    )


def unplaced(answer: pd.DataFrame) -> tuple[int, int]:
    """Rows without a time, and rows of nobody known."""
    lines = answer[answer.part == "bridge"].set_index("value").units
    return int(lines["no_time"]), int(lines["timed"] - lines["placed"])

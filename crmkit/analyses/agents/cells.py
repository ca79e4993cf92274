"""Handled calls counted by agent and by what the agent was given: the one expression."""

import ibis
import ibis.expr.types as ir

from crmkit.analyses.agents.options import Options
from crmkit.analyses.agents.people import people_of
from crmkit.dials import dials

__all__ = ["KEYS", "counted"]

KEYS = ("mode", "agent_id", "team", "hired", "week", "list_id", "hour", "attempt")
_LAST_ATTEMPT = 5  # later attempts count together
_COUNTS = ("calls", "n", "x", "uncoded", "contacts", "short", "talk_n", "handle_n")
_SHAPE = ibis.schema(
    dict.fromkeys(("mode", "agent_id", "team", "list_id"), "string")
    | dict.fromkeys(("hired", "week", "hour", "attempt", "first", "last"), "int64")
    | dict.fromkeys(_COUNTS, "int64")
    | dict.fromkeys(("talk_sum", "handle_sum", "handle_squares"), "float64")
)


def counted(
    calls: ir.Table,
    dispositions: ir.Table | None,
    agents: ir.Table | None,
    options: Options,
) -> ir.Table:
    """One row for each agent, dial mode, list, hour, attempt and week since hiring.

    `mode` is "inbound" for calls that come in; `hired` is a day number; `week` counts whole weeks
    since then, up to `settled`, and is null where the day is not known. Calls without an agent have
    a null agent; agents of the table without calls have a row of zeros and a null mode.
    """
    rows = dials(
        calls,
        dispositions,
        as_of=options.as_of,
        start=options.start,
        timezone=options.timezone,
    )
    rows = rows.filter(rows.handled)
    people = people_of(agents, rows, options.timezone)
    rows = rows.left_join(people, rows.agent_id == people.person).drop("person")
    keyed = rows.mutate(
        mode=ibis.ifelse(rows.outbound, rows.mode.fill_null("unknown"), "inbound"),
        list_id=rows.list_id.fill_null(""),
        attempt=ibis.least(rows.attempt_no, _LAST_ATTEMPT).fill_null(0),
        week=ibis.least((rows.day - rows.hired) // 7, options.settled).cast("int64"),
        **_measures(rows, options),
    )
    cells = keyed.group_by(list(KEYS)).aggregate(
        calls=keyed.count(),
        n=keyed.counts.sum(),
        x=keyed.succeeded.sum(),
        uncoded=keyed.unknown.sum(),
        contacts=keyed.contact.cast("int64").sum(),
        short=keyed.is_short.sum(),
        talk_n=keyed.talk_seconds.count(),
        talk_sum=keyed.talk_seconds.sum().fill_null(0.0),
        handle_n=keyed.handle.count(),
        handle_sum=keyed.handle.sum().fill_null(0.0),
        handle_squares=(keyed.handle * keyed.handle).sum().fill_null(0.0),
        first=keyed.day.min(),
        last=keyed.day.max(),
    )
    cells = cells.select(*_SHAPE.names).cast(_SHAPE)
    return cells if agents is None else ibis.union(cells, _listed(people))


def _listed(people: ir.Table) -> ir.Table:
    """A row of zeros for every agent of the table, so that those without calls are known."""
    given = {"agent_id": people.person, "team": people.team, "hired": people.hired}
    zeros = {name: ibis.literal(0) for name in (*_COUNTS, "talk_sum", "handle_sum")}
    filled = given | zeros | {"handle_squares": ibis.literal(0)}
    return people.select(
        **{name: filled.get(name, ibis.null(kind)) for name, kind in _SHAPE.items()}
    ).cast(_SHAPE)


def _measures(rows: ir.Table, options: Options) -> dict[str, ir.Value]:
    """What is summed: cases, successes, calls without a known outcome, short calls, handling."""
    case = {
        "contact": rows.contact,
        "right_party": rows.contact & rows.right_party.fill_null(False),
        "call": rows.handled,
    }[options.per]
    success = rows[options.outcome].fill_null(False)
    short = rows.contact & (rows.talk_seconds < options.short).fill_null(False)
    return {
        "counts": (case & rows.coded).cast("int64"),
        "succeeded": (case & rows.coded & success).cast("int64"),
        "unknown": (rows.contact & ~rows.coded).cast("int64"),
        "is_short": short.cast("int64"),
        "handle": rows.talk_seconds + rows.wrap_seconds,
    }

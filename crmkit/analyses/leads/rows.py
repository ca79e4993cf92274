"""The steps of leads as streams: in order, with ties broken, up to a moment."""

import datetime as dt

import ibis
import ibis.expr.types as ir

__all__ = ["assignments", "known_leads", "known_steps", "microseconds"]

_EPOCH = dt.datetime(1970, 1, 1)
_RANK = ("created", "released", "recycled", "dispatched", "contacted", "follow_up", "interacted",
         "intent", "won", "lost")  # fmt: skip
"""Which comes first of steps at the same second."""


def microseconds(at: ir.Column) -> ir.IntegerValue:
    """An instant as whole microseconds since 1970."""
    return at.cast("timestamp").delta(ibis.literal(_EPOCH), unit="microsecond").cast("int64")


def known_leads(leads: ir.Table, end: dt.datetime) -> ir.Table:
    """Leads made before a moment; a lead named twice counts once, from its first time on."""
    named = leads.filter(leads.lead_id.notnull(), leads.created_at < end)
    place = ibis.row_number().over(
        group_by=named.lead_id, order_by=[named.created_at, named.source, named.customer_id]
    )
    first = named.mutate(_place=place)
    return first.filter(first["_place"] == 0).select(
        "lead_id", "customer_id", "list_id", "source", "created_at"
    )


def known_steps(lead_events: ir.Table, end: dt.datetime) -> ir.Table:
    """Steps before a moment: lead_id, agent_id, kind, at, rank (of steps at one second)."""
    named = lead_events.filter(lead_events.lead_id.notnull(), lead_events.occurred_at < end)
    return named.select(
        "lead_id", "agent_id", "kind", at=named.occurred_at.cast("timestamp"), rank=rank(named.kind)
    )


def rank(kind: ir.StringColumn) -> ir.IntegerValue:
    """The place of a step among those at the same second."""
    steps = [(kind == name, ibis.literal(place, "int64")) for place, name in enumerate(_RANK)]
    return ibis.cases(*steps, else_=ibis.literal(len(_RANK), "int64"))


def assignments(steps: ir.Table) -> ir.Table:
    """One row each time a lead was given out.

    It lasts from `dispatched` to the next one, and ends before with the first of won, lost and
    released.

    Returns: lead_id, round (from 1), agent (who got it; null where a list went to the dialler),
    dispatched, contacted, interacted, won, lost, released, next (given out again): instants or
    null.
    """
    given = (steps.kind == "dispatched").cast("int64")
    marked = steps.mutate(_given=given)
    running = (
        marked["_given"]
        .sum()
        .over(
            ibis.cumulative_window(
                group_by=marked.lead_id, order_by=[marked.at, marked["rank"], marked.agent_id]
            )
        )
    )
    placed = marked.mutate(round=running.cast("int64"))
    placed = placed.filter(placed["round"] > 0)

    def first(kind: str) -> ir.Column:
        return placed.at.min(where=placed.kind == kind)

    taken = placed.group_by(["lead_id", "round"]).aggregate(
        agent=placed.agent_id.min(where=placed.kind == "dispatched"),
        dispatched=first("dispatched"),
        contacted=first("contacted"),
        interacted=first("interacted"),
        won=first("won"),
        lost=first("lost"),
        released=first("released"),
    )
    after = taken.dispatched.lead().over(
        ibis.window(group_by=taken.lead_id, order_by=taken["round"])
    )
    return taken.mutate(next=after)

"""Visitors and leads that became customers within a fixed time."""

import ibis.expr.types as ir

from crmkit.analyses.channels.span import Span

__all__ = ["from_leads", "from_visitors"]


def from_visitors(events: ir.Table, rows: ir.Table, span: Span, *, within: int) -> ir.Table:
    """New visitors by channel of their first event, and how many became customers.

    Those who were customers before their first event are no prospects.
    Returns: channel, span (moved back by `within` days), n, hits.
    """
    known = events.filter(events.occurred_at < span.end, events.visitor_id.notnull())
    each = known.group_by("visitor_id").aggregate(
        first_at=known.occurred_at.min(), who=known.customer_id.min()
    )
    first = known.inner_join(each, "visitor_id")
    first = first.filter(first.occurred_at == first.first_at)
    began = first.group_by(["visitor_id", "first_at", "who"]).aggregate(channel=first.channel.max())
    return _became(began.select("first_at", "who", "channel"), rows, span, within=within)


def from_leads(leads: ir.Table, rows: ir.Table, span: Span, *, within: int) -> ir.Table:
    """Leads by source, and how many became customers; as `from_visitors`."""
    known = leads.filter(leads.created_at < span.end)
    began = known.select(first_at=known.created_at, who=known.customer_id, channel=known.source)
    return _became(began, rows, span, within=within)


def _became(began: ir.Table, rows: ir.Table, span: Span, *, within: int) -> ir.Table:
    joined = began.left_join(
        rows.select("customer_id", won_at=rows["at"], won_day=rows.day),
        began.who == rows.customer_id,
    )
    new = joined.filter(joined.won_at.isnull() | (joined.won_at >= joined.first_at))
    new = new.mutate(day=span.day_of(new.first_at))
    in_time = (new.won_day - new.day <= within).fill_null(False).cast("int64")
    new = new.mutate(span=span.index(new.day, age=within), hit=in_time)
    new = new.filter(new.span.isin([0, -1]))
    return new.group_by(["channel", "span"]).aggregate(n=new.count(), hits=new.hit.sum())

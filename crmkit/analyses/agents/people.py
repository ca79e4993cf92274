"""Agents as the questions need them: team and day of hiring, never a name."""

import ibis
import ibis.expr.types as ir

from crmkit import periods

__all__ = ["people_of"]


def people_of(agents: ir.Table | None, rows: ir.Table, timezone: str) -> ir.Table:
    """One row an agent: person, team, hired (a local day number); none where there is no table.

    `rows` is any table of the same engine that has an `agent_id`.
    """
    if agents is None:
        none = rows.filter(ibis.literal(False))
        return none.select(person=none.agent_id, team=ibis.null("string"), hired=ibis.null("int64"))
    known = agents.drop_null("agent_id")
    team = known.team if "team" in known.columns else ibis.null("string")
    hired = known.hired_at if "hired_at" in known.columns else ibis.null("timestamp")
    known = known.select(
        person=known.agent_id.cast("string"), team=team.cast("string"), hired_at=hired
    )
    known = known.mutate(hired=periods.day_number(known.hired_at.cast("timestamp"), timezone))
    return known.group_by("person").aggregate(team=known.team.max(), hired=known.hired.min())

"""Leads that wait to be given out: new, released, or held longer than the protection lasts."""

import datetime as dt

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit.analyses.leads.rows import known_steps, rank
from crmkit.analyses.leads.traits import AGAIN

__all__ = ["given_to", "waiting"]


def waiting(
    known: ir.Table,
    lead_events: ir.Table,
    rates: pd.DataFrame,
    chances: pd.DataFrame | None,
    end: dt.datetime,
    *,
    validity: int,
    protection: int,
    limit: int,
) -> ir.Table:
    """Leads in nobody's hands and not closed, those of the best chance and the newest first.

    A lead that its owner has neither won, lost nor released for longer than `protection` days is
    free again; one that came in longer ago than `validity` days is not given out any more.

    Parameters: `known`, leads with their traits; `rates`, the share won by source (source, chance);
    `chances`, of a score, by all traits; where a lead's are not among them its source counts.
    Returns: lead_id, customer_id, source, since, last (who had it), chance.
    """
    steps = known_steps(lead_events, end)
    settling = steps.filter(steps.kind.isin(["dispatched", "released", "won", "lost"]))
    order = [settling["at"].desc(), rank(settling.kind).desc(), settling.kind, settling.agent_id]
    by_lead = ibis.window(group_by=settling.lead_id)
    given = (settling.kind == "dispatched").cast("int64")
    last = settling.mutate(
        place=ibis.row_number().over(group_by=settling.lead_id, order_by=order),
        times=given.sum().over(by_lead).cast("int64"),
    )
    last = last.filter(last.place == 0)
    last = last.select("times", _lead="lead_id", state="kind", settled="at", last="agent_id")
    oldest = ibis.literal(end - dt.timedelta(days=validity)).cast("timestamp")
    fresh = known.filter(known.created_at >= oldest)
    rows = fresh.left_join(last, fresh.lead_id == last["_lead"])
    over = ibis.literal(end - dt.timedelta(days=protection)).cast("timestamp")
    free = rows.filter(
        rows.state.isnull()
        | (rows.state == "released")
        | ((rows.state == "dispatched") & (rows.settled < over))
    )
    free = free.mutate(
        since=ibis.coalesce(free.settled, free.created_at),
        again=ibis.least(free.times.fill_null(0), ibis.literal(AGAIN)).cast("int64"),
    )
    ranked = _promising(free, rates, chances)
    return (
        ranked.filter(~ranked.chance.isnull())
        .order_by([ibis.desc("chance"), ibis.desc("since"), "lead_id"])
        .limit(limit)
        .select("lead_id", "customer_id", "source", "since", "last", "chance")
    )


def _promising(free: ir.Table, rates: pd.DataFrame, chances: pd.DataFrame | None) -> ir.Table:
    """Leads with their chance: of a score where it knows such leads, else of their source."""
    columns = [*free.columns, "chance"]
    of = ibis.memtable(
        pd.DataFrame({"_of": rates.source, "_rate": rates.chance}).astype(
            {"_of": "str", "_rate": "float64"}
        ),
        schema={"_of": "string", "_rate": "float64"},
    )
    rows = free.left_join(of, free.source == of["_of"])
    if chances is None or chances.empty:
        return rows.mutate(chance=rows["_rate"]).select(*columns)
    keys = [c for c in chances.columns if c not in ("list", "points", "chance")]
    kinds = {f"_{k}": "string" if k == "source" else "int64" for k in keys} | {"_chance": "float64"}
    met = chances[[*keys, "chance"]].drop_duplicates(keys)
    met.columns = pd.Index(list(kinds))
    scored = ibis.memtable(met, schema=kinds)
    rows = rows.left_join(scored, [rows[k] == scored[f"_{k}"] for k in keys])
    return rows.mutate(chance=ibis.coalesce(rows["_chance"], rows["_rate"])).select(*columns)


def given_to(shares: pd.DataFrame, last: "pd.Series[str]") -> list[str]:
    """An owner for each lead in turn: who is furthest behind their share, and had it not last."""
    weights = shares.share.to_numpy(dtype=float)
    if not weights.sum():
        return [""] * len(last)
    names = shares.agent.tolist()
    place = {name: number for number, name in enumerate(names)}
    some = int((weights > 0).sum()) > 1
    owed = np.zeros(len(names))
    chosen = []
    for had in last:
        owed += weights
        able = np.where(weights > 0, owed, -np.inf)
        if some and had in place:
            able[place[had]] = -np.inf
        best = int(np.argmax(able))
        owed[best] -= 1
        chosen.append(str(names[best]))
    return chosen

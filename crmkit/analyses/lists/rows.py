"""One expression: what became of each list's leads, and of its fresh dials by the list's age."""

import datetime as dt

import ibis
import ibis.expr.types as ir

from crmkit import periods
from crmkit.dials import dials

__all__ = ["DEAD", "MODES", "counted", "dead_leads", "loaded", "outbound"]

DEAD = ("empty_number", "suspended")
"""Results after which a number will not answer; a switch may report one for another."""
_OFF = ("powered_off", "unreachable")
MODES = ("manual", "preview", "progressive", "power", "predictive")


def outbound(
    calls: ir.Table, dispositions: ir.Table | None, *, as_of: periods.Day, timezone: str
) -> ir.Table:
    """Dials of leads by agents, with what each says of the lead's number."""
    rows = dials(calls, dispositions, as_of=as_of, timezone=timezone)
    by_voice = (rows["mode"] == "voice").fill_null(False)
    rows = rows.filter(rows.outbound, rows.lead_id.notnull(), ~by_voice)
    in_order = ibis.window(group_by="lead_id", order_by=["started_at", "call_id"])
    of_list = ibis.window(group_by="list_id")
    known = rows.mutate(
        list_id=rows.list_id.fill_null(""),
        dead=rows.result.isin(DEAD).fill_null(False),
        off=rows.result.isin(_OFF).fill_null(False),
        over=_any(rows, "sale") | _any(rows, "do_not_call") | _any(rows, "completed"),
    )
    dead_at = ibis.ifelse(known.dead, known.started_at, ibis.null("timestamp"))
    return known.mutate(
        first=ibis.row_number().over(in_order) == 0,
        age=(known.day - known.day.min().over(of_list)) // 7,
        dead_at=dead_at.min().over(ibis.window(group_by="lead_id")),
    )


def _any(rows: ir.Table, flag: str) -> ir.BooleanValue:
    return rows[flag].fill_null(False)


def loaded(leads: ir.Table, calls: ir.Table, rows: ir.Table, end: dt.datetime) -> ir.Table:
    """Leads loaded by a moment, but for lists that automatic voice alone dials."""
    known = leads.filter(leads.created_at < end).mutate(list_id=leads.list_id.fill_null(""))
    if "mode" not in calls.columns or "list_id" not in calls.columns:
        return known
    voice = calls.filter(calls["mode"] == "voice").select(list_id=calls.list_id.fill_null(""))
    by_agents = rows.select("list_id").distinct()
    return known.anti_join(voice.distinct().anti_join(by_agents, "list_id"), "list_id")


def counted(rows: ir.Table, leads: ir.Table | None, *, tries: int) -> ir.Table:
    """Sums by list (part "list"), by list and week of its age (part "age"), and leads loaded."""
    people = rows.group_by(["list_id", "lead_id"]).aggregate(
        n=rows.count(),
        reached=rows.contact.any(),
        over=(rows.over | rows.dead).any(),
        empty=(rows.result == "empty_number").fill_null(False).any(),
        suspended=(rows.result == "suspended").fill_null(False).any(),
        off=rows.off.all(),
        dead=rows.dead.any(),
        after=(rows.started_at > rows.dead_at).fill_null(False).cast("int64").sum(),
        line=rows.line_seconds.fill_null(0).round(0).cast("int64").sum(),
        contacts=rows.contact.cast("int64").sum(),
        sales=_any(rows, "sale").cast("int64").sum(),
        **{name: (rows["mode"] == name).fill_null(False).cast("int64").sum() for name in MODES},
        first_day=rows.day.min(),
        last_day=rows.day.max(),
    )
    whole = {
        "dialled": people.count(),
        "reached": people.reached.cast("int64").sum(),
        "done": (people.over | (people.n >= tries)).cast("int64").sum(),
        "empty": people.empty.cast("int64").sum(),
        "suspended": people.suspended.cast("int64").sum(),
        "off": people.off.cast("int64").sum(),
        "dead": people.dead.cast("int64").sum(),
        "dead_dials": ibis.ifelse(people.dead, people.n, 0).sum(),
        "after": people.after.sum(),
        "dead_line": ibis.ifelse(people.dead, people.line, 0).sum(),
        "dials": people.n.sum(),
        "contacts": people.contacts.sum(),
        "sales": people.sales.sum(),
        **{name: people[name].sum() for name in MODES},
        "first_day": people.first_day.min(),
        "last_day": people.last_day.max(),
    }
    lists = people.group_by("list_id").aggregate(**whole)
    fresh = rows.filter(rows["first"])
    ages = fresh.group_by(["list_id", "age"]).aggregate(
        dials=fresh.count(),
        contacts=fresh.contact.cast("int64").sum(),
        sales=_any(fresh, "sale").cast("int64").sum(),
    )
    parts = [_part("list", lists), _part("age", ages)]
    if leads is not None:
        parts.append(_part("leads", leads.group_by("list_id").aggregate(dialled=leads.count())))
    return ibis.union(*parts)


_COLUMNS = [
    *("age", "dialled", "reached", "done", "empty", "suspended", "off", "dead", "dead_dials"),
    *("after", "dead_line", "dials", "contacts", "sales", "first_day", "last_day"),
    *MODES,
]


def _part(name: str, table: ir.Table) -> ir.Table:
    return table.select(
        "list_id",
        part=ibis.literal(name),
        **{
            column: table[column].cast("int64") if column in table.columns else ibis.literal(0)
            for column in _COLUMNS
        },
    ).cast(dict.fromkeys(_COLUMNS, "int64"))


def dead_leads(rows: ir.Table, limit: int) -> ir.Table:
    """Leads whose number is dead and that nobody spoke with since, most dialled since first.

    Returns: lead_id, list_id and result of the dial that told it, day, after (dials since then).
    """
    late = rows.started_at > rows.dead_at
    leads = rows.filter(rows.dead_at.notnull()).group_by("lead_id")
    since = leads.aggregate(
        after=late.cast("int64").sum(),
        alive=(late & rows.contact).cast("int64").sum(),
    )
    told = rows.filter(rows.dead, rows.started_at == rows.dead_at)
    one = ibis.window(group_by="lead_id", order_by="call_id")
    told = told.mutate(number=ibis.row_number().over(one))
    told = told.filter(told.number == 0).select("lead_id", "list_id", "result", day="dead_at")
    silent = told.join(since.filter(since.alive == 0), "lead_id")
    order = [silent.after.desc(), silent.day.desc(), silent.lead_id]
    return silent.order_by(order).limit(limit).drop("alive")

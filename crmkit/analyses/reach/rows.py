"""Two expressions: leads counted by the attempts they took, and the leads still owed a call."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.dials import dials

__all__ = ["Options", "counted", "open_leads", "prepared"]

_DEAD = ("empty_number", "suspended")
_NO_TRY = (*_DEAD, "blocked", "failed", "cancelled")  # nobody could have answered
_WEEKDAYS = 7
_REASONS = 3


@dataclass(frozen=True, kw_only=True)
class Options:
    """The decisions taken: days, bands of hours, the most attempts that count."""

    as_of: periods.Day
    start: periods.Day | None
    timezone: str
    bands: tuple[int, ...]
    most: int


def prepared(calls: ir.Table, dispositions: ir.Table | None, options: Options) -> ir.Table:
    """All calls up to the last day, each with its band and whether it was a try at a person.

    A dial that reports a dead number, or that never rang, is no try; nor is a second leg.
    """
    rows = dials(calls, dispositions, as_of=options.as_of, timezone=options.timezone)
    band = ibis.literal(0, "int64")
    for edge in options.bands[1:]:
        band = band + (rows.hour >= edge).cast("int64")
    tried = rows.answered | ibis.ifelse(
        rows.result.isnull(), rows.coded, ~rows.result.isin(_NO_TRY).fill_null(False)
    )
    return rows.filter(rows.parent_call_id.isnull()).select(
        "call_id",
        "lead_id",
        "list_id",
        "started_at",
        "attempt_no",
        "day",
        "outbound",
        "handled",
        "answered",
        "dropped",
        "sale",
        "do_not_call",
        "callback",
        "completed",
        dead=(rows.outbound & rows.result.isin(_DEAD)).fill_null(False),
        tried=rows.outbound & tried.fill_null(False),
        hours=band,
        weekdays=rows.weekday.cast("int64"),
    )


def counted(rows: ir.Table, options: Options) -> ir.Table:
    """Leads of each list by the attempts that failed in each band and the band that reached them.

    `code` is a number with one digit for each band, to the base `most` + 1; `hit` the band of the
    attempt that reached the lead, -1 if none did; `cohort`, whether the lead was first dialled in
    the days asked for and from its first attempt on. Rows of kind `left` count what is left out:
    code 0, dials without a lead; 1, dials that were no try at a person.
    """
    leads = _by_lead(rows, options)
    parts = [
        leads.group_by("cohort", "list_id", code=leads[f"{kind}_code"], hit=leads[f"{kind}_hit"])
        .aggregate(n=leads.lead_id.count())
        .select("cohort", "list_id", "code", "hit", "n", kind=ibis.literal(kind))
        for kind in ("hours", "weekdays")
    ]
    asked = rows.filter(rows.outbound & (rows.day >= _first_day(options)))
    nobody = asked.lead_id.isnull()
    for code, gone in enumerate((nobody, ~nobody & ~asked.tried)):
        total = asked.aggregate(n=gone.cast("int64").sum().fill_null(0))
        parts.append(
            total.select(
                cohort=ibis.literal(True),
                list_id=ibis.literal(""),
                code=ibis.literal(code, "int64"),
                hit=ibis.literal(-1, "int64"),
                n=total.n.cast("int64"),
                kind=ibis.literal("left"),
            )
        )
    return ibis.union(*parts)


def _named(rows: ir.Table) -> ir.Table:
    return rows.drop_null("lead_id")


def _first_day(options: Options) -> int:
    return -1_000_000 if options.start is None else periods.number_of(options.start, "day")


def _by_lead(rows: ir.Table, options: Options) -> ir.Table:
    """Each lead's attempts up to the one that reached it, at most so many."""
    tries = _named(rows).filter(rows.tried)
    order = ibis.window(group_by="lead_id", order_by=["started_at", "call_id"])
    whole = ibis.window(group_by="lead_id")
    tries = tries.mutate(attempt=ibis.row_number().over(order) + 1)
    tries = tries.mutate(
        reached_at=ibis.ifelse(tries.answered, tries.attempt, ibis.null("int64")).min().over(whole)
    )
    last = tries.reached_at.fill_null(options.most)
    tries = tries.filter(tries.attempt <= ibis.least(last, options.most))
    digits = options.most + 1
    sums = {"failed": (~tries.answered).cast("int64").sum()}
    for kind, places in (("hours", len(options.bands)), ("weekdays", _WEEKDAYS)):
        weight = ibis.cases(*((tries[kind] == k, digits**k) for k in range(places)), else_=0).cast(
            "int64"
        )
        sums[f"{kind}_code"] = ibis.ifelse(tries.answered, 0, weight).sum().cast("int64")
        sums[f"{kind}_hit"] = ibis.ifelse(tries.answered, tries[kind], -1).max().cast("int64")
    leads = tries.group_by("lead_id").aggregate(**sums)
    dialled = _named(rows).filter(rows.outbound)
    first = dialled.group_by("lead_id").aggregate(
        day=dialled.day.min(),
        number=dialled.attempt_no.min(),
        list_id=dialled.list_id.min().fill_null(""),
    )
    joined = leads.left_join(first, "lead_id")
    cohort = (joined.day >= _first_day(options)) & (joined.number.fill_null(1) <= 1)
    return joined.select(*leads.columns, list_id=joined.list_id.fill_null(""), cohort=cohort)


def open_leads(rows: ir.Table, chances: pd.DataFrame, *, options: Options, limit: int) -> ir.Table:
    """Leads owed a call or still worth one: some of each reason, those of the best chance.

    `chances` has for each `code` of hours and band `last` that reached the lead (-1 for none): the
    `chance` of an answer, the `band` to call in, and whether an attempt is `worth` making.
    """
    standing = _standing(rows)
    leads = _by_lead(rows, options)
    joined = standing.left_join(leads, "lead_id")
    table = joined.select(
        *standing.columns,
        code=joined.hours_code.fill_null(0),  # a caller who was never dialled
        last=joined.hours_hit.fill_null(-1),
        failed=joined.failed.fill_null(0),
    )
    table = table.filter(~table.closed).join(ibis.memtable(chances), ["code", "last"])
    callback = (table.last_callback == table.last_call).fill_null(False)
    dropped = (table.last_drop == table.last_call).fill_null(False)
    unreached = table.tried & table.worth & ~table.spoken & ~table.finished
    table = table.mutate(
        why=ibis.cases(
            (callback, "callback"), (dropped, "dropped"), (unreached, "unreached"), else_=""
        ),
        place=ibis.cases((callback, 0), (dropped, 1), else_=2),
    )
    table = table.filter(table.why != "")
    whole = ibis.window()
    table = table.mutate(  # the list may be cut, these counts are not
        of=table.lead_id.count().over(whole),
        callbacks=(table.place == 0).cast("int64").sum().over(whole),
        drops=(table.place == 1).cast("int64").sum().over(whole),
    )
    best = ibis.window(group_by="why", order_by=[table.chance.desc(), table.lead_id.asc()])
    table = table.mutate(turn=ibis.row_number().over(best))
    # Each reason has its share of the list before one of them fills it alone.
    late = (table.turn >= -(-limit // _REASONS)).cast("int64")
    names = ["lead_id", "why", "chance", "band", "failed", "last_day"]
    names += ["of", "callbacks", "drops", "place", "turn"]
    return (
        table.order_by([late.asc(), table.place.asc(), table.turn.asc()])
        .limit(limit)
        .select(*names)
    )


def _standing(rows: ir.Table) -> ir.Table:
    """How each lead stands: what was ever said, and when it was last called or spoken with."""
    known = _named(rows)

    def ever(flag: ir.BooleanValue) -> ir.BooleanScalar:
        return flag.fill_null(False).cast("int64").max() == 1

    at = known.started_at
    counts = known.outbound | known.handled
    return known.group_by("lead_id").aggregate(
        closed=ever(known.sale.fill_null(False) | known.do_not_call.fill_null(False)),
        finished=ever(known.completed.fill_null(False) | known.dead),
        spoken=ever(known.answered),
        tried=ever(known.tried),
        last_call=at.max(where=counts),
        last_callback=at.max(where=known.callback.fill_null(False)),
        last_drop=at.max(where=known.dropped),
        last_day=known.day.max(where=counts),
    )

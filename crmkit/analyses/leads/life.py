"""From list to win: how many leads reach each stage, in order and at all, and how long it takes."""

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.leads.rows import known_leads, known_steps, microseconds
from crmkit.analyses.leads.stages import ORDERED, STATUSES, Leads
from crmkit.errors import ParameterError

__all__ = ["leads"]

_TENTH = 360_000_000
"""A tenth of an hour in microseconds: how finely times between stages are counted."""
_KEYS = ("cohort", "source", "owner")


def leads(
    leads: ir.Table,
    lead_events: ir.Table,
    orders: ir.Table | None = None,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    period: calendar.Period = "month",
    window: int = 60,
    repeat: int = 60,
) -> Leads:
    """Leads that were dispatched, interacted, showed intent, were won and bought again.

    Stages count within `window` days of a lead's creation; a lead that is younger is left out. In
    order: each stage at or after the one before it. At all: the stage alone, whatever came before.
    By status: what the lead's last step says now, which forgets where lost and released leads had
    been. Bought again: a purchase after the win within `repeat` days, of wins that old.

    Parameters: `leads` and `lead_events`, canonical tables; `orders`, purchases; `as_of`, the last
    day, included; `period`, of cohorts; `window` and `repeat`, days.
    Returns: Leads with `cells` (cohort, source, owner: of the first assignment; n, young, and a
    count for each stage in each of the three ways) and `times` (stage, hours, n). Cells add up to
    all leads.
    Raises: ParameterError for days below 1.
    """
    if window < 1 or repeat < 1:
        raise ParameterError(f"window={window}, repeat={repeat}: give at least 1 day.")
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    lives = _lives(leads, lead_events, orders, end, window, repeat)
    lives = lives.mutate(
        cohort=calendar.period_number(lives.created_at, period, timezone, until=end).cast("int64")
    )
    raw = _cells(lives).union(_times(lives)).execute()
    return Leads(
        cells=_frame(raw[raw.stage.isna()], period),
        times=raw[raw.stage.notna()][["stage", "tenths", "n"]].astype({"n": "int64"}),
        period=period,
        window=window,
        repeat=repeat,
        repeats=orders is not None,
        as_of=str(day),
        timezone=timezone,
    )


def _frame(cells: pd.DataFrame, period: calendar.Period) -> pd.DataFrame:
    measures = [c for c in cells.columns if c not in (*_KEYS, "stage", "tenths")]
    made = cells[[*_KEYS, *measures]].astype(dict.fromkeys(measures, "int64"))
    days = [pd.Timestamp(calendar.period_start(int(n), period)) for n in made.cohort]
    return made.assign(
        cohort=pd.Series(days, index=made.index, dtype="datetime64[us]")
    ).sort_values(list(_KEYS), ignore_index=True)


def _lives(
    leads: ir.Table,
    lead_events: ir.Table,
    orders: ir.Table | None,
    end: dt.datetime,
    window: int,
    repeat: int,
) -> ir.Table:
    """A row a lead: when it reached each stage in order, which at all, and its status."""
    made = known_leads(leads, end)
    until = made.created_at.cast("timestamp") + ibis.interval(days=window)
    made = made.mutate(until=until, young=until > ibis.literal(end).cast("timestamp"))
    steps = known_steps(lead_events, end)
    of = made.select(named="lead_id", until="until")
    steps = steps.inner_join(of, steps.lead_id == of.named)
    steps = _in_order(steps.filter(steps.at < steps.until))
    reached = steps.group_by("lead_id").aggregate(
        **{f"any_{kind}": (steps.kind == kind).any() for kind in ORDERED},
        **{f"at_{kind}": steps[f"at_{kind}"].max() for kind in ORDERED},
        status=_status(steps),
    )
    rows = made.left_join(reached, made.lead_id == reached.lead_id).select(
        *made.columns, *(c for c in reached.columns if c != "lead_id")
    )
    rows = _joined(rows, _owners(steps))
    return _again(rows, orders, end, repeat)


def _joined(rows: ir.Table, more: ir.Table) -> ir.Table:
    """Rows with further columns by lead."""
    named = more.rename(_lead="lead_id")
    added = [c for c in more.columns if c != "lead_id"]
    return rows.left_join(named, rows.lead_id == named["_lead"]).select(*rows.columns, *added)


def _owners(steps: ir.Table) -> ir.Table:
    """The first owner of each lead."""
    given = steps.filter(steps.kind == "dispatched", ~steps.agent_id.isnull())
    place = ibis.row_number().over(group_by=given.lead_id, order_by=[given.at, given.agent_id])
    first = given.mutate(_place=place)
    return first.filter(first["_place"] == 0).select("lead_id", owner="agent_id")


def _in_order(steps: ir.Table) -> ir.Table:
    """Steps with when their lead first reached each stage at or after the stage before it."""
    before = None
    for kind in ORDERED:
        mine = steps.kind == kind
        if before is not None:
            mine &= steps.at >= steps[f"at_{before}"]
        marked = steps.mutate(_mine=ibis.ifelse(mine, steps.at, ibis.null("timestamp")))
        first = marked["_mine"].min().over(ibis.window(group_by=marked.lead_id))
        steps = marked.mutate(**{f"at_{kind}": first}).drop("_mine")
        before = kind
    return steps


def _status(steps: ir.Table) -> ir.IntegerValue:
    """The place in STATUSES of the last step that sets a status."""
    place = ibis.cases(
        *((steps.kind == kind, ibis.literal(n, "int64")) for n, kind in enumerate(STATUSES)),
        else_=ibis.literal(-1, "int64"),
    )
    # The latest wins, of equal ones the later in a life: both in one number.
    last = (microseconds(steps.at) * 16 + place).max(where=place >= 0)
    return last % 16


def _again(rows: ir.Table, orders: ir.Table | None, end: dt.datetime, repeat: int) -> ir.Table:
    """Rows with `old`: won long enough ago, and `again`: a purchase after the win."""
    won = rows.at_won
    after = won + ibis.interval(days=repeat)
    old = ~won.isnull() & (after <= ibis.literal(end).cast("timestamp"))
    rows = rows.mutate(old=old.fill_null(False))
    if orders is None:
        return rows.mutate(again=ibis.literal(value=False))
    bought = orders.select(_who="customer_id", _bought=orders.ordered_at.cast("timestamp"))
    wins = rows.filter(rows.old, ~rows.customer_id.isnull()).select(
        "lead_id", "customer_id", "at_won"
    )
    later = wins.inner_join(bought, wins.customer_id == bought["_who"])
    later = later.filter(
        later["_bought"] > later.at_won,
        later["_bought"] <= later.at_won + ibis.interval(days=repeat),
    )
    found = later.select("lead_id").distinct().mutate(again=ibis.literal(value=True))
    joined = _joined(rows, found)
    return joined.mutate(again=joined.again.fill_null(False))


def _count(flag: ir.BooleanValue) -> ir.IntegerValue:
    return flag.fill_null(False).cast("int64").sum().cast("int64")


def _cells(lives: ir.Table) -> ir.Table:
    """Counts by cohort, source and owner, in each of the ways to count."""
    ripe = ~lives.young
    rank = lives.status.fill_null(-1)
    place = {kind: n for n, kind in enumerate(STATUSES)}
    counts = {"n": _count(ripe), "young": _count(lives.young)}
    for number, kind in enumerate(ORDERED):
        counts[f"ordered_{kind}"] = _count(ripe & ~lives[f"at_{kind}"].isnull())
        counts[f"any_{kind}"] = _count(ripe & lives[f"any_{kind}"])
        later = [place[name] for name in STATUSES if name in ORDERED[number:]]
        if kind == "dispatched":
            later.append(place["contacted"])
        counts[f"status_{kind}"] = _count(ripe & rank.isin(later))
    for kind in ("lost", "released", "recycled"):
        counts[f"now_{kind}"] = _count(ripe & (rank == place[kind]))
    counts["undispatched"] = _count(ripe & lives.any_won & ~lives.any_dispatched)
    counts["old"] = _count(ripe & lives.old)
    counts["again"] = _count(ripe & lives.old & lives.again)
    grouped = lives.mutate(source=lives.source.fill_null(""), owner=lives.owner.fill_null(""))
    cells = grouped.group_by(list(_KEYS)).aggregate(**counts)
    return cells.mutate(stage=ibis.null("string"), tenths=ibis.null("int64"))


def _times(lives: ir.Table) -> ir.Table:
    """Leads by the time from one stage to the next, in tenths of an hour, shaped like the cells."""
    places = ibis.memtable({"place": list(range(len(ORDERED)))}, schema={"place": "int64"})
    rows = lives.filter(~lives.young).cross_join(places)
    befores = [rows.created_at, *(rows[f"at_{kind}"] for kind in ORDERED)]
    took = [
        (rows.place == place, (microseconds(rows[f"at_{kind}"]) - microseconds(before)) // _TENTH)
        for place, (kind, before) in enumerate(zip(ORDERED, befores, strict=False))
    ]
    named = [(rows.place == place, kind) for place, kind in enumerate(ORDERED)]
    timed = rows.select(
        stage=ibis.cases(*named, else_=""), tenths=ibis.cases(*took, else_=None).cast("int64")
    )
    counted = timed.filter(~timed.tenths.isnull()).group_by(["stage", "tenths"])
    counted = counted.aggregate(n=lambda t: t.count().cast("int64"))
    shape = _cells(lives).schema()
    blank = {c: ibis.null(kind) for c, kind in shape.items() if c not in counted.columns}
    return counted.mutate(**blank).select(*shape.names)

"""The pool: leads in work day by day, in an account that must balance."""

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.leads.pool_result import FLOWS, LeadPool
from crmkit.analyses.leads.rows import known_leads, known_steps, rank
from crmkit.errors import ParameterError

__all__ = ["lead_pool"]

_CLOSING = ("released", "won", "lost")


def lead_pool(
    leads: ir.Table,
    lead_events: ir.Table,
    *,
    as_of: calendar.Day,
    start: calendar.Day | None = None,
    timezone: str = "UTC",
) -> LeadPool:
    """Leads in work at the end of each day: opening + new + recycled - released - closed = closing.

    A lead is in work from when it is made, or recycled, until it is released to the public pool,
    won or lost. A step that changes nothing (released twice, won from the pool) moves no lead and
    is listed as an exception. Closing is counted by itself, from the last step of each lead, and
    must equal the account on every day.

    Parameters: `leads` and `lead_events`, canonical tables; `as_of`, the last day, included;
    `start`, the first day shown (that of the first lead, by default); `timezone`, of the days.
    Returns: LeadPool with `days` (day, opening, new, recycled, released, won, lost, closing,
    waiting: released and not yet recycled) and `exceptions` (kind, state, n).
    Raises: ParameterError where `start` is after `as_of`.

    >>> at = dt.datetime(2025, 3, 3, 9)
    >>> made = ibis.memtable({"lead_id": ["a", "b"], "created_at": [at, at]})
    >>> made = made.mutate(customer_id=ibis.null("string"), list_id=ibis.null("string"),
    ...                    source=ibis.literal("web"))
    >>> did = ibis.memtable({"lead_id": ["a"], "occurred_at": [at], "kind": ["won"],
    ...                      "agent_id": ["x"]})
    >>> lead_pool(made, did, as_of="2025-03-03").days[["new", "won", "closing"]].values.tolist()
    [[2, 1, 1]]
    """
    day = calendar.day(as_of)
    first = calendar.day(start) if start is not None else None
    if first is not None and first > day:
        raise ParameterError(f"start={first} is after as_of={day}. Give an earlier day.")
    raw = _counted(leads, lead_events, calendar.day_end(day, timezone), timezone).execute()
    days = _days(raw, first, day)
    return LeadPool(days=days, exceptions=_exceptions(raw), as_of=str(day), timezone=timezone)


def _counted(leads: ir.Table, lead_events: ir.Table, end: dt.datetime, timezone: str) -> ir.Table:
    """Changes by day and kind, steps that change nothing, and how long each state lasted."""
    made = known_leads(leads, end)
    steps = known_steps(lead_events, end)
    moving = steps.filter(steps.kind.isin(["recycled", *_CLOSING]))
    begun = made.select(
        "lead_id",
        kind=ibis.literal("created"),
        at=made.created_at.cast("timestamp"),
        rank=rank(ibis.literal("created")),
    )
    stream = begun.union(moving.select("lead_id", "kind", "at", "rank"))
    known = made.select(named="lead_id")
    stream = stream.left_join(known, stream.lead_id == known.named)
    stream = stream.mutate(
        day=calendar.day_number(stream.at, timezone, until=end).cast("int64"),
        state=ibis.cases(
            (stream.kind.isin(["created", "recycled"]), "open"),
            (stream.kind == "released", "released"),
            else_="closed",
        ),
    )
    order = ibis.window(group_by=stream.lead_id, order_by=[stream.at, stream["rank"], stream.kind])
    placed = stream.mutate(
        before=ibis.coalesce(stream.state.lag().over(order), "none"),
        until=stream.day.lead().over(order).cast("int64"),
    )
    changes = (placed.state == "open") != (placed.before == "open")
    placed = placed.mutate(changes=changes & ~placed.named.isnull(), listed=~placed.named.isnull())
    moved = placed.group_by(["day", "kind", "before", "changes", "listed"]).aggregate(
        n=placed.count()
    )
    lasted = placed.filter(
        placed.listed,
        placed.state != "closed",
        (placed.until.isnull()) | (placed.until > placed.day),
    )
    spans = lasted.group_by(["day", "until", "state"]).aggregate(n=lasted.count())
    moved = moved.select(
        part=ibis.literal("moved"),
        day="day",
        until=ibis.null("int64"),
        kind="kind",
        before="before",
        changes="changes",
        listed="listed",
        n=moved.n.cast("int64"),
    )
    return moved.union(
        spans.select(
            part=ibis.literal("lasted"),
            day="day",
            until="until",
            kind=spans.state,
            before=ibis.literal(""),
            changes=ibis.literal(value=True),
            listed=ibis.literal(value=True),
            n=spans.n.cast("int64"),
        )
    )


def _days(raw: pd.DataFrame, first: dt.date | None, last: dt.date) -> pd.DataFrame:
    """The account of each day; asserts that it balances."""
    epoch = dt.date(1970, 1, 1)
    moved = raw[(raw.part == "moved") & raw.changes.astype(bool)]
    if moved.empty:
        columns = ["day", "opening", *FLOWS, "closing", "waiting"]
        return pd.DataFrame(columns=columns)
    numbers = range(int(moved.day.min()), (last - epoch).days + 1)
    flows = (
        moved.assign(kind=moved.kind.replace({"created": "new"}))
        .pivot_table(index="day", columns="kind", values="n", aggfunc="sum")
        .reindex(index=numbers, columns=list(FLOWS))
        .fillna(0)
        .astype("int64")
    )
    days = flows.assign(
        closing=_standing(raw, "open", numbers), waiting=_standing(raw, "released", numbers)
    )
    days.insert(0, "opening", days.closing.shift(fill_value=0))
    left = days.released + days.won + days.lost
    assert (days.opening + days.new + days.recycled - left == days.closing).all()
    days.insert(0, "day", pd.to_datetime([epoch + dt.timedelta(days=n) for n in numbers]))
    days = days.reset_index(drop=True)
    shown: pd.DataFrame = days if first is None else days[days.day >= pd.Timestamp(first)]
    return shown.reset_index(drop=True)


def _standing(raw: pd.DataFrame, state: str, numbers: range) -> "pd.Series[int]":
    """How many leads were in a state at the end of each day, by the last step of each."""
    spans = raw[(raw.part == "lasted") & (raw.kind == state)]
    began = spans.groupby("day").n.sum().reindex(numbers, fill_value=0)
    ended = spans[spans.until.notna()].groupby("until").n.sum().reindex(numbers, fill_value=0)
    return (began - ended).cumsum().astype("int64")


def _exceptions(raw: pd.DataFrame) -> pd.DataFrame:
    """Steps that moved no lead, by what the lead's state was."""
    odd = raw[(raw.part == "moved") & ~raw.changes.astype(bool)].copy()
    odd.loc[~odd.listed.astype(bool), ["kind", "before"]] = "other"
    found = odd.groupby(["kind", "before"], as_index=False)[["n"]].sum()
    named: pd.DataFrame = found.rename(columns={"before": "state"})
    return named.sort_values(
        ["n", "kind", "state"], ascending=[False, True, True], ignore_index=True
    )

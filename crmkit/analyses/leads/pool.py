"""The pool: leads in work day by day, in an account that must balance."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.leads.rows import known_leads, known_steps, rank
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import message, number, percent, say

__all__ = ["LeadPool", "lead_pool"]

_CLOSING = ("released", "won", "lost")
_FLOWS = ("new", "recycled", "released", "won", "lost")
_ODD = {
    ("recycled", "open"): message("given back to work while in work"),
    ("released", "none"): message("released before it was made"),
    ("won", "none"): message("won before it was made"),
    ("lost", "none"): message("lost before it was made"),
    ("recycled", "none"): message("recycled before it was made"),
    ("released", "released"): message("released twice"),
    ("released", "closed"): message("released after it was closed"),
    ("won", "released"): message("won from the pool, by nobody's hand"),
    ("lost", "released"): message("lost from the pool"),
    ("won", "closed"): message("won after it was closed"),
    ("lost", "closed"): message("lost after it was closed"),
    ("created", "open"): message("made after its first step"),
    ("other", "other"): message("a step of a lead that no list names"),
}


def lead_pool(
    leads: ir.Table,
    lead_events: ir.Table,
    *,
    as_of: calendar.Day,
    start: calendar.Day | None = None,
    timezone: str = "UTC",
) -> "LeadPool":
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
        columns = ["day", "opening", *_FLOWS, "closing", "waiting"]
        return pd.DataFrame(columns=columns)
    numbers = range(int(moved.day.min()), (last - epoch).days + 1)
    flows = (
        moved.assign(kind=moved.kind.replace({"created": "new"}))
        .pivot_table(index="day", columns="kind", values="n", aggfunc="sum")
        .reindex(index=numbers, columns=list(_FLOWS))
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


@dataclass(frozen=True, kw_only=True)
class LeadPool(Result):
    """Leads in work by day; see `lead_pool` for the frames."""

    days: pd.DataFrame = field(repr=False)
    exceptions: pd.DataFrame = field(repr=False)
    as_of: str
    timezone: str

    @property
    def empty(self) -> bool:
        """Whether there never was a lead."""
        return self.days.empty

    @property
    def months(self) -> pd.DataFrame:
        """The account by month: flows summed, opening of the first and closing of the last day."""
        grouped = self.days.groupby(self.days.day.dt.to_period("M"))
        flows = grouped[list(_FLOWS)].sum()
        ends = grouped.agg(
            opening=("opening", "first"),
            closing=("closing", "last"),
            waiting=("waiting", "last"),
            last=("day", "last"),
        )
        made = flows.join(ends).reset_index(names="month")
        over = made["last"].dt.to_period("D") < made.month.dt.end_time.dt.to_period("D")
        return made.assign(partial=over, month=made.month.dt.start_time)

    @property
    def headline(self) -> str:
        """What is in work, and what came and went this month."""
        if self.empty:
            return say("No lead was made by {day}: the pool is empty.", day=text.day(self.as_of))
        row = self.months.iloc[-1]
        return say(
            "{closing} leads were in work on {day}: {opening} at the start of the month, "
            "{new} new, {recycled} recycled, {released} released, {closed} closed; "
            "{waiting} wait in the pool.",
            day=text.day(self.as_of),
            closing=number(row.closing),
            opening=number(row.opening),
            new=number(row.new),
            recycled=number(row.recycled),
            released=number(row.released),
            closed=number(row.won + row.lost),
            waiting=number(row.waiting),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("In work"),
                    say("From when a lead is made or recycled until it is released, won or lost."),
                ),
                (
                    say("Account"),
                    say("Opening + new + recycled − released − closed = closing, on every day."),
                ),
                (
                    say("Closing"),
                    say("Counted by itself from the last step of each lead; it must agree."),
                ),
                (say("Exceptions"), say("Steps that move no lead are listed and move none.")),
                (say("Clock"), say("Calendar days in the time zone {zone}.", zone=self.timezone)),
                (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The account by month, and the exceptions."""
        flows = (
            Column("new", say("New"), "count", partial="partial"),
            Column("recycled", say("Recycled"), "count"),
            Column("released", say("Released"), "count"),
            Column("won", say("Won"), "count"),
            Column("lost", say("Lost"), "count"),
        )
        months = self.months if not self.empty else pd.DataFrame({"month": []})
        named = months.assign(name=[text.period(each, "month") for each in months.month])
        account = (
            Column("name", say("Month")),
            Column("opening", say("Opening"), "count"),
            *flows,
            Column("closing", say("Closing"), "count"),
            Column("waiting", say("Waiting in the pool"), "count"),
        )
        odd = self.exceptions.assign(
            words=[
                say(_ODD.get((r.kind, r.state), _ODD["other", "other"]))
                for r in records(self.exceptions)
            ]
        )
        listed = (Column("words", say("Step")), Column("n", say("Steps"), "count"))
        return {
            "months": Table("lead-pool", say("Leads in work, by month."), named, account),
            "exceptions": Table(
                "lead-pool-exceptions", say("Steps that moved no lead."), odd, listed
            ),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Leads in work and waiting, day by day."""
        return {"days": self._curves}

    def _curves(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        kinds = (("closing", say("In work")), ("waiting", say("Waiting in the pool")))
        frames = [
            pd.DataFrame({"day": self.days.day, "leads": self.days[column], "kind": words})
            for column, words in kinds
        ]
        return draw.curves(
            pd.concat(frames, ignore_index=True),
            x="day",
            y="leads",
            by="kind",
            name="lead-pool",
            title=self.headline,
            subtitle=say("Leads at the end of each day."),
            alt=self.headline,
            accent=[kinds[0][1]],
            kind="count",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Leads in work and waiting, against the month before."""
        if self.empty:
            return ()
        months = self.months
        return tuple(
            KeyFigure(
                name=name,
                label=label,
                value=float(months[column].iloc[-1]),
                previous=float(months[column].iloc[-2]) if len(months) > 1 else None,
                kind="count",
                better="neither",
                history=tuple(months[column].iloc[:-1].tail(12).astype(float)),
            )
            for name, column, label in (
                ("leads_in_work", "closing", say("Leads in work")),
                ("leads_waiting", "waiting", say("Leads waiting in the pool")),
            )
        )

    def findings(self) -> tuple[Finding, ...]:
        """What the pool holds unused, and steps that cannot be."""
        if self.empty:
            return ()
        found = []
        row = self.months.iloc[-1]
        standing = row.closing + row.waiting
        if standing and row.waiting > row.closing:
            share = row.waiting / standing
            found.append(
                Finding(
                    words=say(
                        "{waiting} released leads wait in the pool, {share} of all that are open.",
                        waiting=number(row.waiting),
                        share=percent(share),
                    ),
                    action=say(
                        "Give the best of the pool out again, or close what is not worth it."
                    ),
                    weight=0.3 * share,
                )
            )
        if len(self.exceptions):
            worst = self.exceptions.iloc[0]
            words = say(_ODD.get((worst.kind, worst.state), _ODD["other", "other"]))
            found.append(
                Finding(
                    words=say(
                        "{n} steps moved no lead; most often: {what}.",
                        n=number(self.exceptions.n.sum()),
                        what=words,
                    ),
                    action=say("Look at how the CRM writes these steps."),
                    weight=0.02,
                )
            )
        return tuple(found)

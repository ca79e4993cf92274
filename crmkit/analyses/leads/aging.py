"""How leads age in an owner's hands: won, lost, or handed on, by days since the assignment."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.leads.incidence import incidence
from crmkit.analyses.leads.rows import assignments, known_steps, microseconds
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say, span

__all__ = ["LeadAging", "lead_aging"]

CAUSES = ("won", "lost", "moved")
_DAY = 86_400_000_000
_SHOWN = (1, 3, 7, 14, 30, 60)


def lead_aging(
    lead_events: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 180,
    owned: bool = True,
) -> "LeadAging":
    """The share of assigned leads won by each day since, with losses and handovers as rivals.

    An assignment ends with the first of: won, lost, moved (released, or given to somebody else). A
    lead that is moved cannot be won by this owner any more, so it is a competing event, not a
    censored one: 1 - Kaplan-Meier would tell too high a share won. What is open at the end of the
    last day is censored. The estimate is that of Aalen and Johansen (1978).

    Parameters: `lead_events`, the canonical table; `as_of`, the last day, included; `days`, of
    assignments looked back on; `owned`, only those given to an owner.
    Returns: LeadAging with `curve`: duration (whole days), at_risk, still (open), won, lost, moved,
    each with its interval; and `n`.
    Raises: ParameterError for days below 1.
    """
    if days < 1:
        raise ParameterError(f"days={days}: give at least 1.")
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    start = calendar.day_start(day - dt.timedelta(days=days - 1), timezone)
    raw = _counted(lead_events, start, end, owned).execute().astype({"n": "int64"})
    counts = raw.pivot_table(index="duration", columns="cause", values="n", aggfunc="sum")
    counts = counts.reindex(columns=[*CAUSES, "open"]).fillna(0).astype("int64")
    counts = counts.assign(n=counts.sum(axis=1)).reset_index()
    return LeadAging(
        curve=incidence(counts, CAUSES),
        n=int(counts.n.sum()),
        open=int(counts.open.sum()),
        days=days,
        as_of=str(day),
        timezone=timezone,
    )


def _counted(lead_events: ir.Table, start: dt.datetime, end: dt.datetime, owned: bool) -> ir.Table:
    """Assignments by whole days until they ended, and by what ended them."""
    given = assignments(known_steps(lead_events, end))
    given = given.filter(given.dispatched >= start)
    if owned:
        given = given.filter(~given.agent.isnull())
    now = ibis.literal(end).cast("timestamp")
    moved = ibis.least(ibis.coalesce(given.released, now), ibis.coalesce(given["next"], now))
    won, lost = ibis.coalesce(given.won, now), ibis.coalesce(given.lost, now)
    until = ibis.least(won, lost, moved)
    rows = given.select(
        cause=ibis.cases(
            (until == now, "open"), (won == until, "won"), (lost == until, "lost"), else_="moved"
        ),
        duration=((microseconds(until) - microseconds(given.dispatched)) // _DAY).cast("int64"),
    )
    return rows.group_by(["duration", "cause"]).aggregate(n=rows.count())


@dataclass(frozen=True, kw_only=True)
class LeadAging(Result):
    """What became of assigned leads, by days since; see `lead_aging` for the curve."""

    curve: pd.DataFrame = field(repr=False)
    n: int
    open: int
    days: int
    as_of: str
    timezone: str

    @property
    def empty(self) -> bool:
        """Whether no lead was assigned."""
        return self.n == 0

    def at(self, day: int) -> "pd.Series[float] | None":
        """The curve after so many days; None beyond what was observed."""
        if self.empty or day > self.curve.duration.max():
            return None
        before = self.curve[self.curve.duration < day]
        return before.iloc[-1] if len(before) else None

    @property
    def headline(self) -> str:
        """Won within two weeks, and what else became of the leads."""
        if self.empty:
            return say("No lead was given to an owner by {day}.", day=text.day(self.as_of))
        chosen = next((d for d in (14, 7, 3, 1) if self.at(d) is not None), None)
        row = self.at(chosen) if chosen is not None else None
        if row is None:
            return say("{n} leads were assigned; none has an outcome yet.", n=number(self.n))
        return say(
            "Of {n} assigned leads, {won} ({span}) were won within {days} days; {lost} were lost, "
            "{moved} handed on, {still} still open.",
            n=number(self.n),
            won=percent(row.won),
            span=span(row.won_low, row.won_high),
            days=number(chosen),
            lost=percent(row.lost),
            moved=percent(row.moved),
            still=percent(row.still),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("From"),
                    say("The assignment to an owner; a lead given out again begins anew."),
                ),
                (
                    say("Ends"),
                    say("With the first of: won, lost, released or given to somebody else."),
                ),
                (
                    say("Handed on"),
                    say("A competing event: this owner can no longer win the lead."),
                ),
                (
                    say("Open"),
                    say(
                        "{n} assignments are open at the end and censored there.",
                        n=number(self.open),
                    ),
                ),
                (
                    say("Estimate"),
                    say("Cumulative incidence of Aalen and Johansen with 95% intervals."),
                ),
                (
                    say("Data"),
                    say(
                        "Assignments of the {days} days to {day}.",
                        days=number(self.days),
                        day=text.day(self.as_of),
                    ),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The shares after some days."""
        found = [(day, self.at(day)) for day in _SHOWN]
        rows = pd.DataFrame(
            [{"day": day, **row.to_dict()} for day, row in found if row is not None]
        )
        columns = (
            Column("day", say("Days since"), "count"),
            Column("won", say("Won"), "rate", low="won_low", high="won_high"),
            Column("lost", say("Lost"), "rate", low="lost_low", high="lost_high"),
            Column("moved", say("Handed on"), "rate", low="moved_low", high="moved_high"),
            Column("still", say("Still open"), "rate"),
            Column("at_risk", say("Observed so long"), "count"),
        )
        if rows.empty:
            rows = pd.DataFrame(columns=[c.name for c in columns])
        return {"days": Table("lead-aging", say("What became of assigned leads."), rows, columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share won, lost and handed on, by days."""
        return {"curve": self._curves}

    def _curves(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        kinds = (("won", say("Won")), ("lost", say("Lost")), ("moved", say("Handed on")))
        parts = [
            pd.DataFrame(
                {
                    "day": self.curve.duration + 1,
                    "share": self.curve[cause],
                    "low": self.curve[f"{cause}_low"],
                    "high": self.curve[f"{cause}_high"],
                    "kind": words,
                }
            )
            for cause, words in kinds
        ]
        return draw.curves(
            pd.concat(parts, ignore_index=True),
            x="day",
            y="share",
            low="low",
            high="high",
            by="kind",
            name="lead-aging",
            title=self.headline,
            subtitle=say("Share of assigned leads by days since the assignment."),
            alt=self.headline,
            accent=[kinds[0][1]],
            steps=True,
            across=say("Days since the assignment"),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Won within two weeks."""
        row = self.at(14)
        if row is None:
            return ()
        return (
            KeyFigure(
                name="won_in_14_days",
                label=say("Won within 14 days"),
                value=float(row.won),
                kind="rate",
                low=float(row.won_low),
                high=float(row.won_high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """By when nearly all wins have come: what to do with leads that are older."""
        if self.empty or not self.curve.won.iloc[-1]:
            return ()
        reached = self.curve[self.curve.won >= 0.9 * self.curve.won.iloc[-1]]
        day = int(reached.duration.iloc[0]) + 1
        return (
            Finding(
                words=say("Nine of ten wins come within {days} days.", days=number(day)),
                action=say("Give leads back to the pool after {days} days.", days=number(day)),
                weight=0.1,
            ),
        )

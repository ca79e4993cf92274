"""What is said of the pool: the account by month, what waits, what moved no lead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import message, number, percent, say

__all__ = ["FLOWS", "LeadPool"]

FLOWS = ("new", "recycled", "released", "won", "lost")
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
        flows = grouped[list(FLOWS)].sum()
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

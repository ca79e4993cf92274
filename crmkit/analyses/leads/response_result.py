"""What is said of the first response: in time or not, for whom, and what speed is worth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from crmkit import text
from crmkit.analyses.leads.speed import Speed
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import SMALL
from crmkit.text import message, number, percent, say, span

__all__ = ["FirstResponse"]

_BANDS = (
    message("up to 5 minutes"),
    message("5 to 30 minutes"),
    message("30 minutes to 1 hour"),
    message("1 to 4 hours"),
    message("4 to 9 hours"),
    message("later"),
    message("never"),
)


@dataclass(frozen=True, kw_only=True)
class FirstResponse(Result):
    """First response in working time; see `first_response` for the frames."""

    sources: pd.DataFrame = field(repr=False)
    owners: pd.DataFrame = field(repr=False)
    clock: pd.DataFrame = field(repr=False)
    bands: pd.DataFrame = field(repr=False)
    total: pd.DataFrame = field(repr=False)
    speed: Speed | None
    waiting: int
    unowned: int
    sla: float
    since: str
    window: int
    start: str
    as_of: str
    timezone: str

    @property
    def empty(self) -> bool:
        """Whether no assignment can be judged."""
        return self.total.empty or not int(self.total.judged.iloc[0])

    @property
    def headline(self) -> str:
        """The share in time, the median wait, and what speed is worth."""
        if self.empty:
            return say("No lead was given to an owner, so there is no response to measure.")
        row = self.total.iloc[0]
        words = say(
            "{rate} ({span}) of {n} assigned leads were contacted within {sla} working minutes",
            rate=percent(row.rate),
            span=span(row.rate_low, row.rate_high),
            n=number(row.judged),
            sla=number(self.sla),
        )
        middle = (
            say("the median wait was {median} minutes.", median=number(row["median"]))
            if pd.notna(row["median"])
            else say("more than half were never contacted.")
        )
        return say("{first}; {then}", first=words, then=middle)

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        begins = (
            say("From the assignment to an owner.")
            if self.since == "dispatched"
            else say("From when the lead was made; first assignments only.")
        )
        return Definition(
            (
                (say("Wait"), begins),
                (say("Response"), say("The first contact before the lead is given out again.")),
                (
                    say("Working time"),
                    say(
                        "The firm's hours without its holidays, time zone {zone}.",
                        zone=self.timezone,
                    ),
                ),
                (
                    say("Not contacted"),
                    say(
                        "Missed once the wait passes {sla} minutes; until then not judged ({n}).",
                        sla=number(self.sla),
                        n=number(self.waiting),
                    ),
                ),
                (
                    say("Without an owner"),
                    say(
                        "{n} assignments went to the dialler and are left out.",
                        n=number(self.unowned),
                    ),
                ),
                (
                    say("Won"),
                    say(
                        "Within {days} days of the assignment; younger ones are left out.",
                        days=number(self.window),
                    ),
                ),
                (
                    say("Worth of speed"),
                    say(
                        "Logistic regression of won on log(1 + hours), with source, owner and "
                        "number of the assignment held equal."
                    ),
                ),
                (
                    say("Caution"),
                    say(
                        "Owners may call good leads first; what is not recorded is not held equal."
                    ),
                ),
                (say("Interval"), say("Wilson, 95%.")),
                (
                    say("Data"),
                    say(
                        "Assignments from {start} to {end}.",
                        start=text.day(self.start),
                        end=text.day(self.as_of),
                    ),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """By source, by owner, by hour, and won by wait."""
        rates = (
            Column("judged", say("Assigned leads"), "count"),
            Column("rate", say("In time"), "rate", low="rate_low", high="rate_high", n="judged"),
            Column("median", say("Median wait, minutes"), "count"),
            Column("won_rate", say("Won"), "rate", low="won_low", high="won_high", n="mature"),
        )
        sources = self.sources.sort_values("judged", ascending=False, ignore_index=True)
        owners = self.owners.sort_values(["rate", "judged"], ascending=False, ignore_index=True)
        hours = self.clock.assign(name=[f"{hour:02d}:00" for hour in self.clock.hour])
        bands = self._bands()
        return {
            "sources": Table(
                "response-sources",
                say("First response by source."),
                sources,
                (Column("source", say("Source")), *rates),
            ),
            "owners": Table(
                "response-owners",
                say("First response by owner."),
                owners,
                (Column("agent", say("Owner")), *rates),
            ),
            "clock": Table(
                "response-hours",
                say("First response by the hour of the day."),
                hours,
                (Column("name", say("Hour")), *rates),
            ),
            "bands": Table(
                "response-bands",
                say("Won by the wait for the first contact."),
                bands,
                (
                    Column("name", say("Wait")),
                    Column("mature", say("Assigned leads"), "count"),
                    Column("won", say("Won"), "count"),
                    Column(
                        "rate",
                        say("Share won"),
                        "rate",
                        low="rate_low",
                        high="rate_high",
                        n="mature",
                    ),
                ),
            ),
        }

    def _bands(self) -> pd.DataFrame:
        return self.bands.assign(name=[say(_BANDS[band]) for band in self.bands.band])

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Won by the wait, and in time by owner."""
        return {"bands": self._won, "sources": self._sources}

    def _won(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self._bands()
        frame = frame[frame.mature > 0]
        return draw.bars(
            frame.assign(weak=frame.mature < SMALL),
            label="name",
            value="rate",
            low="rate_low",
            high="rate_high",
            weak="weak",
            name="response-bands",
            title=self.worth or self.headline,
            subtitle=say("Share of assigned leads won, by working time to the first contact."),
            alt=self.worth or self.headline,
            kind="rate",
        )

    def _sources(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.sources[self.sources.judged > 0].sort_values("rate", ascending=False)
        return draw.bars(
            frame.assign(weak=frame.judged < SMALL),
            label="source",
            value="rate",
            low="rate_low",
            high="rate_high",
            weak="weak",
            name="response-sources",
            title=self.headline,
            subtitle=say(
                "Share contacted within {sla} working minutes, by source.", sla=number(self.sla)
            ),
            alt=self.headline,
            kind="rate",
        )

    @property
    def worth(self) -> str:
        """What an hour of waiting does to the odds of a win; empty where it cannot be told."""
        if self.speed is None:
            return ""
        value, low, high = self.speed.odds
        limits = f"{number(low, 2)}–{number(high, 2)}"
        if self.speed.high < 0:
            return say(
                "An hour of waiting multiplies the odds of a win by {odds} ({span}).",
                odds=number(value, 2),
                span=limits,
            )
        return say(
            "Speed shows no certain effect on wins: an hour of waiting multiplies the odds by "
            "{odds} ({span}).",
            odds=number(value, 2),
            span=limits,
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share in time."""
        if self.empty:
            return ()
        row = self.total.iloc[0]
        return (
            KeyFigure(
                name="first_response_in_time",
                label=say("Contacted within {sla} minutes", sla=number(self.sla)),
                value=float(row.rate),
                kind="rate",
                low=float(row.rate_low),
                high=float(row.rate_high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The worth of speed, and the owner who is certainly slow."""
        if self.empty:
            return ()
        found = []
        if self.speed is not None and self.speed.high < 0:
            action = say("Call new leads before all else; alert where one waits.")
            found.append(Finding(words=self.worth, action=action, weight=0.5))
        whole = self.total.iloc[0]
        enough = self.owners[self.owners.judged >= SMALL]
        slow = enough[enough.rate_high < whole.rate_low].sort_values("judged", ascending=False)
        if len(slow):
            names = ", ".join(str(row.agent) for row in records(slow.head(3)))
            words = say(
                "{n} owners answer certainly later than the others; with most leads: {names}.",
                n=number(len(slow)),
                names=names,
            )
            action = say("Give them fewer new leads at once, or help them to call first.")
            weight = float(slow.judged.sum() / whole.judged) * 0.5
            found.append(Finding(words=words, action=action, weight=weight))
        return tuple(found)

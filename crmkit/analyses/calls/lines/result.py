"""What the question of lines gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit.analyses.calls.lines import charts, words
from crmkit.analyses.calls.names import hour_label, hour_ranges, short_day
from crmkit.analyses.calls.window import Window
from crmkit.blocks import Definition, Figure, Table
from crmkit.queues import fewest_lines
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say, span

__all__ = ["Trunks"]

_SPARE = 1.25
"""So many times the lines needed are too many."""
_HOURS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Trunks(Result):
    """Lines in use and needed; see `trunks` for the frames."""

    window: Window
    interval: int
    lines: int | None
    given: bool
    allowed: float
    unfinished: int
    totals: pd.DataFrame = field(repr=False)
    slots: pd.DataFrame = field(repr=False)
    profile: pd.DataFrame = field(repr=False)
    levels: pd.DataFrame = field(repr=False)

    @property
    def total(self) -> "pd.Series[Any]":
        """The figures of the days that are told."""
        return self.totals.iloc[0]

    @property
    def empty(self) -> bool:
        """Whether no line was used in these days."""
        return bool(self.total.line_hours == 0)

    @property
    def needed(self) -> int:
        """The fewest lines at which the load of the busiest interval is blocked as allowed."""
        return 0 if self.empty else fewest_lines(float(self.total.busiest), blocked=self.allowed)

    @property
    def busiest(self) -> "pd.Series[Any]":
        """The interval of the largest load, the first of equals."""
        return self.slots.sort_values("load", ascending=False, kind="stable").iloc[0]

    @property
    def headline(self) -> str:
        """The peak, the lines there are, how long all were busy, how many are needed."""
        if self.empty:
            return say("No line was used from {days}.", days=self.window.words)
        parts = {
            "days": self.window.words,
            "peak": number(self.total.peak),
            "needed": number(self.needed),
            "allowed": percent(self.allowed),
            "minutes": number(self.interval),
        }
        if self.lines is None:
            return say(
                "{days}: up to {peak} lines were in use at once; the busiest {minutes} minutes "
                "need {needed} for at most {allowed} of calls blocked.",
                **parts,
            )
        return say(
            "{days}: up to {peak} of {lines} lines were in use at once, all of them for {full} of "
            "the time; the busiest {minutes} minutes need {needed} for at most {allowed} of calls "
            "blocked.",
            **parts,
            lines=number(self.lines),
            full=percent(self.total.full),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """The day by intervals; stretches; time by the number of lines."""
        return words.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Lines in use over the day with the limit; time by the number of lines."""
        return {"profile": lambda: charts.profile(self), "levels": lambda: charts.levels(self)}

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Peak, time with all lines busy, lines needed, blocked calls."""
        if self.empty:
            return ()
        total, before = self.totals.iloc[0], self.totals.iloc[1:]
        peaks = [float(peak) for peak in before.peak]
        figures = [
            KeyFigure(
                name="lines_peak",
                label=say("Lines in use, peak"),
                value=float(total.peak),
                previous=peaks[0] if peaks else None,
                better="neither",
                history=tuple(reversed(peaks)),
            ),
            KeyFigure(
                name="lines_needed", label=say("Lines needed"), value=self.needed, better="neither"
            ),
        ]
        if self.lines is not None:
            full = [float(share) for share in before.full.dropna()]
            low, high = total.full_low, total.full_high
            busy = KeyFigure(
                name="lines_full",
                label=say("Time with every line busy"),
                value=float(total.full),
                previous=full[0] if full else None,
                kind="rate",
                better="down",
                history=tuple(reversed(full)),
                low=None if pd.isna(low) else float(low),
                high=None if pd.isna(high) else float(high),
            )
            figures.insert(0, busy)
        return tuple(figures)

    def findings(self) -> tuple[Finding, ...]:
        """Too few lines and when; too many; more seen than there should be."""
        if self.empty:
            return ()
        if self.lines is None:
            return (self._unknown(),)
        found = []
        if self.total.peak > self.lines:
            found.append(self._beyond(self.lines))
        if self.total.full > 0 and self.needed > self.lines:
            found.append(self._short(self.lines))
        elif self.given and self.lines > _SPARE * max(self.needed, self.total.peak):
            found.append(self._spare(self.lines))
        return tuple(found)

    def _unknown(self) -> Finding:
        return Finding(
            words=say("How many lines there are is not known: the log names none."),
            action=say("Give the number of lines, to see how often they are all busy."),
            weight=0.1,
        )

    def _beyond(self, lines: int) -> Finding:
        return Finding(
            words=say(
                "{peak} lines were in use at once, more than the {lines} given.",
                peak=number(self.total.peak),
                lines=number(lines),
            ),
            action=say("Correct the number of lines, or look for calls without a true end."),
            weight=0.4,
        )

    def _short(self, lines: int) -> Finding:
        worst = self.profile[self.profile.full > 0].sort_values("full", ascending=False)
        at = pd.Timestamp(self.busiest["at"])
        return Finding(
            words=say(
                "All {lines} lines were busy for {full} of the time, most at {hours}; the "
                "busiest {minutes} minutes ({day}, {hour}) carried {load} erlangs, for which "
                "Erlang B wants {needed} lines.",
                lines=number(lines),
                full=percent(self.total.full),
                hours=hour_ranges(worst.clock.head(_HOURS), self.interval / 60),
                minutes=number(self.interval),
                day=short_day(at),
                hour=hour_label(at.hour + at.minute / 60),
                load=number(self.total.busiest, 1),
                needed=number(self.needed),
            ),
            action=say(
                "Rent {more} more lines, or lower the dial level in these hours.",
                more=number(self.needed - lines),
            ),
            weight=float(min(0.2 + self.total.full, 1.0)),
        )

    def _spare(self, lines: int) -> Finding:
        enough = max(self.needed, int(self.total.peak))
        return Finding(
            words=say(
                "{lines} lines are paid for; never more than {peak} were in use, and {needed} are "
                "enough for the busiest {minutes} minutes.",
                lines=number(lines),
                peak=number(self.total.peak),
                needed=number(self.needed),
                minutes=number(self.interval),
            ),
            action=say("Give back up to {spare} lines.", spare=number(lines - enough)),
            weight=0.1,
        )

    @property
    def interval_of_full(self) -> str:
        """The interval of the time with every line busy, in words."""
        return span(self.total.full_low, self.total.full_high)

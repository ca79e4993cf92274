"""What crossing two marks of visits gives back."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from crmkit import text
from crmkit.analyses.traffic.visits import Rules
from crmkit.analyses.traffic.words import source_name
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Finding, Result
from crmkit.stats import SMALL, wilson
from crmkit.text import message, number, percent, say, span

__all__ = ["DIMENSIONS", "Crossing"]

DIMENSIONS = {
    "channel": message("Channel"),
    "campaign": message("Campaign"),
    "medium": message("Medium"),
    "content": message("Creative"),
    "keyword": message("Search word"),
    "landing_page": message("Landing page"),
    "device": message("Device"),
}
_VERDICTS = {
    "better": message("Above the rest"),
    "worse": message("Below the rest"),
}
_FOLLOW = message(
    "Follow visits with {row} and {column} through to the goal: something there stops people."
)
_LEARN = message("Learn from visits with {row} and {column}: what helps there could help others.")
_ROWS, _COLUMNS = 12, 7


def _named(cells: pd.DataFrame) -> pd.DataFrame:
    """The pairs whose marks are both given, if there are any."""
    given = cells[cells.row.notna() & cells.column.notna()]
    return given if len(given) else cells


@dataclass(frozen=True, kw_only=True)
class Crossing(Result):
    """Visits and those that reached a goal, by two marks; see `crossing` for the frame."""

    cells: pd.DataFrame = field(repr=False)
    visits: int
    hits: int
    rows: str
    columns: str
    goal: str | None
    start: dt.date | None
    as_of: dt.date
    timezone: str
    rules: Rules

    @property
    def empty(self) -> bool:
        """Whether there was no visit."""
        return self.visits == 0

    @property
    def _goal(self) -> str:
        return self.goal or say("the goal")

    @property
    def headline(self) -> str:
        """The pair that differs most from the rest, or that none does."""
        if self.empty:
            return say("No visit was recorded by {day}.", day=text.day(self.as_of))
        low, high = wilson(self.hits, self.visits)
        shown = _named(self.cells[self.cells.verdict != ""])
        if shown.empty:
            return say(
                "{rate} ({span}) of {n} visits reach {goal}; no pair differs from the rest beyond "
                "chance.",
                rate=percent(self.hits / self.visits),
                span=span(float(low), float(high)),
                n=number(self.visits),
                goal=self._goal,
            )
        return self._told(shown.iloc[int(shown.extra.abs().argmax())])

    def _told(self, cell: "pd.Series[float]") -> str:
        return say(
            "{row}, {column}: {rate} ({span}) of {n} visits reach {goal}, {rest} of the others.",
            row=source_name(cell.row),
            column=source_name(cell.column),
            rate=percent(cell.rate),
            span=span(cell.rate_low, cell.rate_high),
            n=number(cell.visits),
            goal=self._goal,
            rest=percent(cell.rest),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        since = text.day(self.start) if self.start else say("the first day of the data")
        return Definition(
            (
                (
                    say("Visits"),
                    say(
                        "Begun from {start} to {end} in the time zone {zone}; of a session id, or "
                        "ended by a pause of more than {gap} minutes; that saw a page.",
                        start=since,
                        end=text.day(self.as_of),
                        zone=self.timezone,
                        gap=number(self.rules.gap),
                    ),
                ),
                (say("Marks"), say("The values at the first event of the visit.")),
                (
                    say("Goal"),
                    say("{goal} at least once in the visit; it counts once.", goal=self._goal),
                ),
                (
                    say("Against the rest"),
                    say(
                        "Each pair of 30 visits or more against all other visits, p adjusted for "
                        "their number (Holm); shown where below 5%. Visits of one visitor are "
                        "taken as independent."
                    ),
                ),
                (
                    say("Interval"),
                    say("Wilson for rates, Koopman for ratios, 95%; fewer than 30 visits faded."),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The pairs, those that differ most first."""
        frame = self.cells.assign(
            row_name=[source_name(key) for key in self.cells.row],
            column_name=[source_name(key) for key in self.cells.column],
            verdict_words=[say(_VERDICTS[v]) if v else "" for v in self.cells.verdict],
            size=self.cells.extra.abs().where(self.cells.verdict != "", -1.0),
        ).sort_values(["size", "visits"], ascending=False, kind="stable")
        return {
            "cells": Table(
                "crossing",
                say("Pairs of marks, those that differ most from the rest first"),
                frame,
                (
                    Column("row_name", say(DIMENSIONS[self.rows])),
                    Column("column_name", say(DIMENSIONS[self.columns])),
                    Column("visits", say("Visits"), "count"),
                    Column(
                        "rate",
                        say("Reach the goal"),
                        "rate",
                        low="rate_low",
                        high="rate_high",
                        n="visits",
                    ),
                    Column(
                        "ratio",
                        say("Times the rest"),
                        "number",
                        2,
                        low="ratio_low",
                        high="ratio_high",
                        n="visits",
                    ),
                    Column("extra", say("More than at the rest's rate"), "count", n="visits"),
                    Column("verdict_words", say("Verdict")),
                    Column("hits", say("Visits that reach it"), "count", folded=True),
                    Column("p_adjusted", say("p, adjusted"), "number", 3, folded=True),
                ),
                limit=20,
            )
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The grid of rates."""
        return {"cells": self._grid}

    def _grid(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        named = self.cells.assign(
            row_name=[source_name(key) for key in self.cells.row],
            column_name=[source_name(key) for key in self.cells.column],
        )
        named["words"] = [
            f"{row}, {column}: {percent(rate)} · {say('{n} visits', n=number(n))}"
            for row, column, rate, n in zip(
                named.row_name, named.column_name, named.rate, named.visits, strict=True
            )
        ]
        named["weak"], named["marked"] = named.visits < SMALL, named.verdict != ""
        rows = named.groupby("row_name").visits.sum().nlargest(_ROWS).index
        columns = named.groupby("column_name").visits.sum().nlargest(_COLUMNS).index

        def wide(column: str, fill: object) -> pd.DataFrame:
            grid = named.pivot_table(
                index="row_name", columns="column_name", values=column, aggfunc="first"
            ).reindex(index=rows, columns=columns)
            return grid if fill is None else grid.where(grid.notna(), fill)  # type: ignore[arg-type]

        return draw.crossing(
            wide("rate", None),
            middle=self.hits / self.visits,
            hovers=wide("words", ""),
            weak=wide("weak", True),
            marked=wide("marked", False),
            name="crossing",
            title=self.headline,
            subtitle=say(
                "Share of visits that reach {goal}, {rows} by {columns}; blue above all visits, "
                "orange below, outlined: beyond chance, grey: fewer than 30 visits.",
                goal=self._goal,
                rows=say(DIMENSIONS[self.rows]),
                columns=say(DIMENSIONS[self.columns]),
            ),
            alt=self.headline,
        )

    def findings(self) -> tuple[Finding, ...]:
        """The pairs that lose and gain most against the rest."""
        found = []
        for verdict, action in (
            ("worse", _FOLLOW),
            ("better", _LEARN),
        ):
            shown = _named(self.cells[self.cells.verdict == verdict])
            if shown.empty:
                continue
            cell = shown.iloc[int(shown.extra.abs().argmax())]
            names = {"row": source_name(cell.row), "column": source_name(cell.column)}
            weight = min(abs(cell.extra) / max(self.hits, 1), 1.0)
            found.append(
                Finding(words=self._told(cell), action=say(action, **names), weight=float(weight))
            )
        return tuple(sorted(found, key=lambda finding: -finding.weight))

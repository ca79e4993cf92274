"""The result of a retention analysis: its sentence, key figures and findings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit import text
from crmkit.analyses.retention import plots, tables
from crmkit.analyses.retention.options import Options
from crmkit.analyses.retention.words import card, group_name, when
from crmkit.blocks import Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import SMALL, holm, two_proportions
from crmkit.text import number, percent, points, say, span

__all__ = ["Retention"]

SURE = 0.05
"""A difference is named when its p-value, adjusted for the comparisons made, is below this."""


@dataclass(frozen=True, kw_only=True)
class Retention(Result):
    """Cohorts and their return; see `retention` for the frames."""

    cohorts: pd.DataFrame = field(repr=False)
    cells: pd.DataFrame = field(repr=False)
    mean: pd.DataFrame = field(repr=False)
    revenue: pd.DataFrame = field(repr=False)
    groups: pd.DataFrame = field(repr=False)
    group_mean: pd.DataFrame = field(repr=False)
    dropped: int
    orders: bool
    options: Options = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether no customer started."""
        return self.cohorts.empty

    @property
    def first_window(self) -> int:
        """The first window after the start: period 1, or the first bracket."""
        later = [low for low, _ in self.options.brackets if low > 0]
        return later[0] if later else 1

    @property
    def through(self) -> int:
        """The last period of the first window: itself, or the end of the first bracket."""
        ends = [high for low, high in self.options.brackets if low == self.first_window]
        return ends[0] if ends else self.first_window

    @property
    def complete(self) -> pd.DataFrame:
        """The complete cells of the first window after the start, oldest cohort first."""
        cells = self.cells
        return cells[(cells.period == self.first_window) & ~cells.partial]

    @property
    def comparable(self) -> pd.DataFrame:
        """The complete cells without the first cohort of the data.

        Whoever bought before the data begin looks new in the first cohort, and comes back more.
        """
        truncated = self.options.since is None and self.options.cohort != "recurring"
        return (
            self.complete[self.complete.cohort > self.cohorts.cohort.min()]
            if truncated
            else (self.complete)
        )

    @property
    def headline(self) -> str:
        """The latest cohort whose first window is over, against the cohorts before it."""
        if self.empty:
            day = text.day(self.options.as_of)
            return say("No customer started by {day}, so there is no cohort to follow.", day=day)
        if self.complete.empty:
            return say(
                "{n} customers started; the first period after a start is not over for any cohort.",
                n=number(self.cohorts.n.sum()),
            )
        latest, before = self.complete.iloc[-1], self.comparable.iloc[:-1]
        finding = self._sentence(latest)
        if before.empty:
            return say("{finding}.", finding=finding)
        mean = before.customers.sum() / before.n.sum()
        chance = two_proportions(latest.customers, latest.n, before.customers.sum(), before.n.sum())
        words = {"finding": finding, "mean": percent(mean)}
        if chance >= SURE:
            return say("{finding}, about as many as of the cohorts before it ({mean}).", **words)
        if latest.rate > mean:
            return say("{finding}, more than the {mean} of the cohorts before it.", **words)
        return say("{finding}, fewer than the {mean} of the cohorts before it.", **words)

    def _sentence(self, cell: Any) -> str:
        words = {
            "n": number(cell.n),
            "cohort": self.name_of(cell.cohort),
            "rate": percent(cell.rate),
            "span": span(cell.rate_low, cell.rate_high),
            "when": when(self.options, int(cell.period), int(cell.through)),
        }
        bought = self.orders and self.options.start is None and self.options.back is None
        if bought and self.options.cohort == "recurring":
            return say(
                "Of {n} customers who bought in {cohort}, {rate} ({span}) bought again {when}",
                **words,
            )
        if bought:
            return say(
                "Of {n} customers who first bought in {cohort}, {rate} ({span}) "
                "bought again {when}",
                **words,
            )
        return say(
            "Of {n} customers who started in {cohort}, {rate} ({span}) came back {when}", **words
        )

    def name_of(self, cohort: pd.Timestamp) -> str:
        """The name of a cohort's period."""
        return text.period(cohort, self.options.period)

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(card(self.options, self.dropped))

    def tables(self) -> Mapping[str, Table]:
        """The triangle, the mean curve, every cell, and revenue and groups where there are any."""
        return tables.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The triangle, the curves, and revenue and groups where there are any."""
        return plots.plots(self)

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Return in the first window of the latest complete cohort, and the size of cohorts."""
        if self.complete.empty:
            return ()
        latest, before = self.complete.iloc[-1], self.complete.iloc[:-1]
        closed = self.cohorts[~self.cohorts.partial]
        label = say("Retention {when}", when=when(self.options, latest.period, latest.through))
        mean = self.mean[self.mean.period == self.first_window].iloc[0]
        return (
            KeyFigure(
                name="retention_first",
                label=label,
                value=float(latest.rate),
                previous=float(before.rate.iloc[-1]) if len(before) else None,
                kind="rate",
                history=tuple(before.rate.tail(12)),
                low=float(latest.rate_low),
                high=float(latest.rate_high),
            ),
            KeyFigure(
                name="retention_first_mean",
                label=say("{label}, mean of all cohorts", label=label),
                value=float(mean.rate),
                kind="rate",
                low=float(mean.rate_low),
                high=float(mean.rate_high),
            ),
            KeyFigure(
                name="cohort_size",
                label=say("Customers in the latest complete cohort"),
                value=float(closed.n.iloc[-1]),
                previous=float(closed.n.iloc[-2]) if len(closed) > 1 else None,
                history=tuple(closed.n.iloc[:-1].tail(12).astype(float)),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Cohorts and groups that differ from the rest by more than chance."""
        found = [*self._apart(self.comparable, self._cohort_finding)]
        groups = self.group_mean
        if len(groups):
            first = groups[(groups.period == self.first_window) & (groups.n >= SMALL)]
            found += self._apart(first, self._group_finding)
        return tuple(found)

    def _apart(self, cells: pd.DataFrame, words: Callable[[Any, float], Finding]) -> list[Finding]:
        """The highest and the lowest rate, where they differ from the rest together."""
        if len(cells) < 2:
            return []
        n, back = cells.n.sum() - cells.n, cells.customers.sum() - cells.customers
        chances = holm(
            [two_proportions(*case) for case in zip(cells.customers, cells.n, back, n, strict=True)]
        )
        rest = (back / n.where(n > 0)).to_numpy()
        found = []
        for place in sorted({int(cells.rate.argmax()), int(cells.rate.argmin())}):
            if chances[place] < SURE:
                found.append(words(cells.iloc[place], float(rest[place])))
        return found

    def _weight(self, cell: Any, rest: float) -> float:
        """Customers who came back, or did not, beyond what the rest would do, of all."""
        return float(abs(cell.rate - rest) * cell.n / self.cohorts.n.sum())

    def _cohort_finding(self, cell: Any, rest: float) -> Finding:
        words = {
            "finding": self._sentence(cell),
            "rest": percent(rest),
            "difference": points(cell.rate - rest),
        }
        if cell.rate > rest:
            return Finding(
                words=say(
                    "{finding}: the best cohort ({difference} against {rest} of the others).",
                    **words,
                ),
                action=say("Find out what brought these customers, and do it again."),
                weight=self._weight(cell, rest),
            )
        return Finding(
            words=say(
                "{finding}: the weakest cohort ({difference} against {rest} of the others).",
                **words,
            ),
            action=say("Look at where these customers came from and what they were promised."),
            weight=self._weight(cell, rest),
        )

    def _group_finding(self, cell: Any, rest: float) -> Finding:
        words = {
            "group": group_name(cell.group),
            "rate": percent(cell.rate),
            "rest": percent(rest),
            "when": when(self.options, int(cell.period), int(cell.through)),
            "n": number(cell.n),
        }
        if cell.rate > rest:
            return Finding(
                words=say(
                    "{group} keeps its customers best: {rate} of {n} came back {when}, "
                    "{rest} of the others.",
                    **words,
                ),
                action=say("Move effort towards {group}.", group=words["group"]),
                weight=self._weight(cell, rest),
            )
        return Finding(
            words=say(
                "{group} loses most: {rate} of {n} came back {when}, {rest} of the others.",
                **words,
            ),
            action=say("Check what {group} promises, and whom it reaches.", group=words["group"]),
            weight=self._weight(cell, rest),
        )

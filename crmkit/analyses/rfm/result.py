"""What an RFM analysis gives back."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import contacts
from crmkit.actions import ActionList
from crmkit.analyses.rfm import charts, words
from crmkit.blocks import Definition, Figure, Table
from crmkit.contacts import LIMIT
from crmkit.result import Finding, KeyFigure, Result
from crmkit.scoring import Scoring
from crmkit.segmentation import Check, SegmentTable
from crmkit.stats import wilson
from crmkit.text import day, number, percent, say

_WEIGHTS = {"at_risk": 3.0, "core": 0.5, "growing": 1.5, "new": 1.2, "lost": 0.2}


@dataclass(frozen=True, kw_only=True, eq=False)
class Rfm(Result):
    """Customers by recency, frequency and monetary value; `actions()` lists whom to contact.

    `segments`, `grid`, `distribution`, `thresholds`, `concentration` and `cells` are frames;
    `fault` says which cells of the segment table are covered twice or not at all.
    """

    as_of: dt.date
    timezone: str
    history: int | None
    scoring: Scoring
    segment_table: SegmentTable = field(repr=False)
    fault: Check = field(repr=False)
    customers: int
    repeaters: int
    orders: int
    revenue: float
    segments: pd.DataFrame = field(repr=False)
    grid: pd.DataFrame = field(repr=False)
    distribution: pd.DataFrame = field(repr=False)
    thresholds: pd.DataFrame = field(repr=False)
    concentration: pd.DataFrame = field(repr=False)
    cells: pd.DataFrame = field(repr=False)
    limits: Mapping[str, tuple[int, ...]] = field(repr=False)
    people: ir.Table = field(repr=False)
    profiles: ir.Table | None = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether nobody bought by then."""
        return self.customers == 0

    @property
    def headline(self) -> str:
        """The best segment, what it brings, and how many valuable customers are at risk."""
        if self.empty:
            return say("No purchases up to {day}.", day=day(self.as_of))
        best = self._best()
        best_words = say(
            "{segment} are {share} of customers and bring {revenue} of revenue",
            segment=self.segment_table.name(str(best.segment)),
            share=percent(best.customers_share),
            revenue=percent(best.revenue_share),
        )
        risky = self._role("at_risk")
        if risky.customers.sum() == 0:
            return say("{finding}.", finding=best_words)
        return say(
            "{finding}; valuable customers about to be lost: {n} ({share} of revenue).",
            finding=best_words,
            n=number(risky.customers.sum()),
            share=percent(risky.revenue_share.sum()),
        )

    def _best(self) -> "pd.Series[float]":
        """The first core segment that has customers, else the one with the most revenue."""
        core = self._role("core").query("customers > 0")
        if len(core):
            return core.iloc[0]
        return self.segments.sort_values("revenue", ascending=False, kind="stable").iloc[0]

    def _role(self, role: str) -> pd.DataFrame:
        return self.segments[self.segments.segment.isin(self.segment_table.with_role(role))]

    @property
    def definition(self) -> Definition:
        """Every decision behind the scores and segments."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """The segments; the grid of scores; thresholds; concentration."""
        return words.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Bars of the segments, the grid of scores, value against recency, the concentration."""
        return {
            "segments": lambda: charts.segments(self),
            "grid": lambda: charts.grid(self),
            "value": lambda: charts.value(self),
            "concentration": lambda: charts.concentration(self),
        }

    def share_of_top(self, top: float) -> float:
        """The share of revenue that the best customers bring; nan where that was not counted."""
        found = self.concentration[np.isclose(self.concentration.top, top)]
        return float(found.revenue_share.iloc[0]) if len(found) else float("nan")

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Customers, repeat rate, revenue per customer, average order, at risk, concentration."""
        if self.empty:
            return ()
        n, risky = self.customers, int(self._role("at_risk").customers.sum())
        low, high = wilson([self.repeaters, risky], n)
        figures = [
            KeyFigure(name="customers", label=say("Customers who bought"), value=n),
            KeyFigure(
                name="repeat_rate",
                label=say("Bought more than once"),
                value=self.repeaters / n,
                kind="rate",
                low=float(low[0]),
                high=float(high[0]),
            ),
            KeyFigure(
                name="revenue_per_customer",
                label=say("Revenue per customer"),
                value=self.revenue / n,
                kind="money",
            ),
            KeyFigure(
                name="average_order",
                label=say("Average order"),
                value=self.revenue / self.orders,
                kind="money",
            ),
            KeyFigure(
                name="top20_share",
                label=say("Revenue from the best 20% of customers"),
                value=self.share_of_top(0.2),
                kind="rate",
                better="neither",
            ),
        ]
        if self.segment_table.with_role("at_risk"):
            at_risk = KeyFigure(
                name="at_risk_share",
                label=say("Valuable customers about to be lost"),
                value=risky / n,
                kind="rate",
                better="down",
                low=float(low[1]),
                high=float(high[1]),
            )
            figures.insert(2, at_risk)
        return tuple(figures)

    def findings(self) -> tuple[Finding, ...]:
        """One finding for each segment with customers, and the concentration, heaviest first."""
        if self.empty:
            return ()
        rows: Iterable[Any] = self.segments.itertuples()
        roles = {box.segment: box.role for box in self.segment_table.boxes}
        found = [
            Finding(
                words=say(
                    "{segment}: {n} ({share} of all), {revenue} of revenue, last purchase "
                    "{days} days ago on average.",
                    segment=self.segment_table.name(row.segment),
                    n=number(row.customers),
                    share=percent(row.customers_share),
                    revenue=percent(row.revenue_share),
                    days=number(row.recency),
                ),
                action=self.segment_table.action(row.segment),
                weight=row.revenue_share * _WEIGHTS.get(roles.get(row.segment, ""), 1.0),
            )
            for row in rows
            if row.customers > 0
        ]
        top = self.share_of_top(0.2)
        concentrated = Finding(
            words=say("The best 20% of customers bring {share} of revenue.", share=percent(top)),
            action=say("Give each of them a named contact, and watch their days since purchase."),
            weight=max(top - 0.5, 0.0),
        )
        return tuple(sorted((*found, concentrated), key=lambda finding: -finding.weight))

    def actions(
        self, segment: str | list[str] | None = None, *, limit: int | None = LIMIT
    ) -> ActionList:
        """The customers of a segment, why and what to do, the most valuable first.

        The customers are asked from the engine when this is called.

        Parameters: `segment`, one or more by key or name; the valuable ones about to be lost by
        default; `limit`, how many customers, None for all.
        Returns: an ActionList; `crmkit.actions.write_actions` writes it as CSV and Excel.
        Raises: ParameterError for a segment that is not there.
        """
        table = self.segment_table
        asked = contacts.chosen(table, table.with_role("at_risk") if segment is None else segment)
        rows: Iterable[Any] = self.cells.itertuples()
        cells = {
            contacts.code((row.recency_score, row.frequency_score, row.monetary_score)): row.segment
            for row in rows
            if row.segment in asked
        }
        people = self.people.mutate(cell=contacts.cell_code(self.people, self.limits))
        people = contacts.listed(people, cells, limit)
        found = contacts.described(people, self.profiles, self.as_of, self.timezone).execute()
        names = say(", ").join(table.name(name) for name in asked)
        return contacts.action_list(
            found,
            table,
            cells,
            name="rfm_" + ("at_risk" if segment is None else "_".join(asked)),
            title=say("To contact: {segments}", segments=names),
            as_of=self.as_of,
            whole=int(self.segments.loc[self.segments.segment.isin(asked), "customers"].sum()),
        )

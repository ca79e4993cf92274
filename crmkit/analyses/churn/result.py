"""The churn warning as a reader sees it."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crmkit import text
from crmkit.actions import ActionList
from crmkit.analyses.churn import tables
from crmkit.analyses.churn.features import name
from crmkit.analyses.churn.leaving import Leaving
from crmkit.analyses.churn.sheets import Reason, Rule, reason_name
from crmkit.analyses.churn.words import card, grade_name, stage_name
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.contacts import LIMIT
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import money, number, percent, say, span

__all__ = ["Churn"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Churn(Result):
    """Who is about to leave; see `churn` for the frames.

    `best` is the model that was taken, `base` the share that left in all past snapshots, `trained`
    their rows; `held` and `dropped` tell of the readable model.
    """

    scores: pd.DataFrame = field(repr=False)
    grades: pd.DataFrame = field(repr=False)
    rules: pd.DataFrame = field(repr=False)
    backtest: pd.DataFrame = field(repr=False)
    best: str
    calibration: pd.DataFrame = field(repr=False)
    gains: pd.DataFrame = field(repr=False)
    coefficients: pd.DataFrame | None = field(repr=False)
    held: bool
    dropped: tuple[str, ...]
    short: Mapping[str, dt.date] = field(repr=False)
    suspects: tuple[str, ...]
    base: float
    trained: int
    when: pd.DataFrame = field(repr=False)
    never: int | None
    rule_table: tuple[Rule, ...] = field(repr=False)
    reasons: tuple[Reason, ...] = field(repr=False)
    leaving: Leaving
    capacity: int
    as_of: str
    timezone: str

    @property
    def warned(self) -> pd.DataFrame:
        """Customers of the high grade."""
        return self.scores[self.scores.grade == "high"]

    @property
    def staying(self) -> pd.DataFrame:
        """Customers who are not gone."""
        return self.scores[self.scores.grade != "gone"]

    @property
    def empty(self) -> bool:
        """Whether there is no customer who could leave."""
        return self.staying.empty

    @property
    def tried(self) -> "pd.Series[Any] | None":
        """The last trial of the model that was taken."""
        rows = self.backtest[self.backtest.model == self.best]
        return None if rows.empty else rows.iloc[-1]

    @property
    def high(self) -> "pd.Series[Any]":
        """The row of the high grade."""
        return self.grades[self.grades.grade == "high"].iloc[0]

    @property
    def headline(self) -> str:
        """How many are warned of, what they are worth, and how often the warning was right."""
        if self.empty:
            return say("No customer is left who could leave.")
        words = {"n": number(len(self.warned)), "all": number(len(self.staying))}
        if not self.trained:
            return say(
                "{n} of {all} customers are warned of by the rules; no past month is complete yet "
                "to learn from.",
                **words,
            )
        if self.base in (0.0, 1.0):
            return (
                say("In the past all customers left.")
                if self.base
                else say("In the past no customer left: there is nothing to learn a warning from.")
            )
        if self.suspects:
            return say(
                "{columns} nearly tells alone who left: was it written down afterwards? Leave it "
                "out before you trust the model.",
                columns=", ".join(name(s) for s in self.suspects),
            )
        high = self.high
        words["money"] = money(float(self.warned.at_risk.sum()))
        if not high.n:
            return say("{n} of {all} customers are likely to leave, with {money} at risk.", **words)
        return say(
            "{n} of {all} customers are likely to leave, with {money} at risk; of such customers "
            "{rate} ({span}) did leave in the last trial.",
            **words,
            rate=percent(high.rate),
            span=span(high.rate_low, high.rate_high),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return card(self)

    @property
    def causes(self) -> pd.DataFrame:
        """One row a reason: customers of the high and medium grade, and what they are worth."""
        risky = self.scores[self.scores.grade.isin(["high", "medium"])]
        found = risky.groupby("reason").agg(
            customers=("customer_id", "size"), at_risk=("at_risk", "sum"), value=("value", "sum")
        )
        order = ["at_risk", "value", "customers"]
        return found.sort_values(order, ascending=False, kind="stable").reset_index()

    @property
    def stages(self) -> pd.DataFrame:
        """One row a stage: customers and the value they had."""
        found = self.scores.groupby("stage").agg(
            customers=("customer_id", "size"), value=("value", "sum")
        )
        found = found.reindex(["active", "tried_once", "left"]).fillna(0)
        if self.never is not None:
            found.loc["never"] = [self.never, np.nan]
        return found.reset_index().astype({"customers": "int64"})

    def tables(self) -> Mapping[str, Table]:
        """Grades, rules, reasons, trials, calibration, features, stages, when."""
        return tables.all_tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Grades; reasons; gains; calibration; rules; features; when."""
        from crmkit.analyses.churn import charts  # noqa: PLC0415

        found: dict[str, Callable[[], Figure]] = {
            "grades": lambda: charts.grades(self),
            "reasons": lambda: charts.reasons(self),
            "gains": lambda: charts.gains(self),
            "calibration": lambda: charts.calibration(self),
            "rules": lambda: charts.rules(self),
            "when": lambda: charts.when(self),
        }
        if self.coefficients is not None:
            found["features"] = lambda: charts.features(self)
        return found

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Customers warned of, the money at risk, how often such a warning was right."""
        if self.empty:
            return ()
        figures = [
            KeyFigure(
                name="churn_warned",
                label=say("Likely to leave"),
                value=float(len(self.warned)),
                kind="count",
                better="down",
            ),
            KeyFigure(
                name="churn_at_risk",
                label=say("Money at risk"),
                value=float(self.warned.at_risk.sum()),
                kind="money",
                better="down",
            ),
        ]
        high = self.high
        if high.n:
            figures.append(
                KeyFigure(
                    name="churn_precision",
                    label=say("Of such customers left"),
                    value=float(high.rate),
                    kind="rate",
                    low=float(high.rate_low),
                    high=float(high.rate_high),
                )
            )
        return tuple(figures)

    def findings(self) -> tuple[Finding, ...]:
        """The money at risk, its first reason, and whether a single rule would do."""
        if self.empty or not self.trained or self.base in (0.0, 1.0):
            return ()
        all_value = max(float(self.staying.value.sum()), 1e-9)
        found = [
            Finding(
                words=self.headline,
                action=say(
                    "Call the first {n} of the list this week; keep a random tenth aside to see "
                    "whether it helps.",
                    n=number(min(self.capacity, max(len(self.warned), 1))),
                ),
                weight=float(self.warned.at_risk.sum()) / all_value,
            )
        ]
        causes = self.causes
        if len(causes):
            top = causes.iloc[0]
            found.append(
                Finding(
                    words=say(
                        "First reason: {reason}, {n} customers with {money} at risk.",
                        reason=reason_name(top.reason, self.reasons),
                        n=number(top.customers),
                        money=money(float(top.at_risk)),
                    ),
                    action=say("Answer the reason and not the customer alone: see the actions."),
                    weight=float(top.at_risk) / all_value,
                )
            )
        tried = self.tried
        if tried is not None and tried.lift == tried.lift:
            found.append(
                Finding(
                    words=say(
                        "With {n} contacts the warning meets {lift} times as many leavers as "
                        "chance ({rate}, base {base}).",
                        n=number(tried.contacted),
                        lift=number(tried.lift, 1),
                        rate=percent(tried.precision),
                        base=percent(tried.base),
                    ),
                    weight=0.02,
                )
            )
        return tuple(found)

    def actions(self, *, limit: int | None = LIMIT) -> ActionList:
        """Customers at risk, the most money first: why, and how likely they leave.

        Parameters: `limit`, how many, None for all; those gone already are not listed.
        """
        rows = self.staying[self.staying.grade != "low"]
        rows = rows if limit is None else rows.head(limit)
        frame = rows.assign(
            grade_name=[grade_name(g) for g in rows.grade],
            reason_name=[reason_name(r, self.reasons) for r in rows.reason],
            stage_name=[stage_name(s) for s in rows.stage],
        )
        columns = (
            Column("customer_id", say("Customer")),
            Column("grade_name", say("Risk")),
            Column("chance", say("Chance to leave"), "rate"),
            Column("reason_name", say("Reason")),
            Column("stage_name", say("Stage")),
            Column("recency", say("Days since the last order"), "count"),
            Column("value", say("Value of the period"), "money"),
            Column("at_risk", say("Money at risk"), "money"),
        )
        return ActionList(
            name="churn_warning",
            title=say("At risk on {day}, the most money first", day=text.day(self.as_of)),
            frame=frame,
            columns=columns,
        )

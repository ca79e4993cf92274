"""The win-back list: who is worth recalling, with which action, and who is held out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods, text
from crmkit.actions import ActionList
from crmkit.analyses.winback.holdout import arms
from crmkit.analyses.winback.remedies import Remedy, remedies
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import InputError, ParameterError
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import message, money, number, percent, say

__all__ = ["Winback", "reason_words", "winback"]

_NEEDED = ("customer_id", "grade", "reason", "value")
_GRADES = ("high", "medium", "gone")


def winback(
    scores: pd.DataFrame,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    actions: str | Path | Sequence[Remedy] = "actions",
    capacity: int = 500,
    holdout: float = 0.1,
    seed: int = 0,
    interventions: ir.Table | None = None,
    rest_days: int = 30,
    barred: ir.Table | None = None,
) -> "Winback":
    """Who is worth recalling and how: value x uplift of the best action for the reason, less cost.

    Customers of high and medium risk and those who are gone are looked at. Out stay who was acted
    upon in the last `rest_days`, who is barred, and for whom no action pays. The list is cut where
    the treated reach `capacity`; a random share of it is held out, alike in each grade and reason,
    and is not contacted: only they show later whether the actions helped.

    Parameters: `scores`, of the churn warning (`churn(...).scores`), or any frame with
    customer_id, grade, reason and value (money of the period); `as_of`, the day of the list;
    `actions`, crmkit's table, a CSV file or the table of a `feedback`; `holdout`, a share, 0 for
    none; `seed`; `interventions`, to see who was acted upon; `barred`, rows of customer_id.
    Returns: Winback with frames `people` (customer_id, grade, reason, action, value, uplift, cost,
    expected, arm), `plan` (reason, action, customers, treated, held, cost, expected) and `refused`
    (why, customers). `interventions()` gives the canonical rows to import next month.
    Raises: InputError for scores without those columns, ParameterError for a share or a capacity
    that cannot be.

    >>> scores = pd.DataFrame(
    ...     {"customer_id": ["a"], "grade": ["high"], "reason": ["price"], "value": [1000.0]}
    ... )
    >>> winback(scores, as_of="2025-01-31", holdout=0).people.expected.tolist()
    [30.0]
    """
    missing = [column for column in _NEEDED if column not in scores]
    if missing:
        there = ", ".join(map(str, scores.columns))
        raise InputError(f"The scores lack {', '.join(missing)}; they have: {there}.")
    if capacity < 0:
        raise ParameterError(f"capacity={capacity}: give the customers that can be contacted.")
    table = remedies(actions) if isinstance(actions, str | Path) else tuple(actions)
    day = periods.day(as_of)
    rows, refused = _allowed(scores, interventions, barred, day, timezone, rest_days)
    rows = _with_action(rows, table)
    worth = rows[rows.expected > 0]
    refused.append(("no_gain", len(rows) - len(worth)))
    order = ["expected", "value", "customer_id"]
    worth = worth.sort_values(order, ascending=[False, False, True], ignore_index=True)
    room = int(np.ceil(capacity / (1 - holdout))) if 0 <= holdout < 1 else capacity
    people = worth.head(room).reset_index(drop=True)
    refused.append(("no_room", len(worth) - len(people)))
    people["arm"] = arms(
        people, strata=("grade", "reason"), period=f"{day:%Y-%m}", share=holdout, seed=seed
    )
    return Winback(
        people=people,
        refused=pd.DataFrame(refused, columns=["why", "customers"]),
        table_of_actions=table,
        capacity=capacity,
        holdout=holdout,
        rest_days=rest_days,
        as_of=str(day),
        timezone=timezone,
    )


def _allowed(
    scores: pd.DataFrame,
    interventions: ir.Table | None,
    barred: ir.Table | None,
    day: "object",
    timezone: str,
    rest_days: int,
) -> tuple[pd.DataFrame, list[tuple[str, int]]]:
    """The customers that may be put on a list, and how many may not, by the first reason."""
    asked = periods.day(day)  # type: ignore[arg-type]
    rows = scores[scores.grade.isin(_GRADES)]
    refused = [("low", len(scores) - len(rows))]
    out: dict[str, set[str]] = {"barred": set(), "rest": set()}
    if barred is not None:
        out["barred"] = set(barred.customer_id.execute().dropna())
    if interventions is not None:
        end = periods.day_end(asked, timezone)
        start = periods.day_start(periods.window_start(asked, rest_days), timezone)
        acted = interventions.filter(
            interventions.assigned_at >= start,
            interventions.assigned_at < end,
            interventions.arm == "treated",
        )
        out["rest"] = set(acted.customer_id.execute().dropna())
    for why, ids in out.items():
        kept = rows[~rows.customer_id.isin(ids)]
        refused.append((why, len(rows) - len(kept)))
        rows = kept
    return rows, refused


def _with_action(rows: pd.DataFrame, table: Sequence[Remedy]) -> pd.DataFrame:
    """The action with the highest expected gain for each customer's reason."""
    best = pd.DataFrame(
        {"action": None, "uplift": 0.0, "cost": 0.0, "expected": -np.inf}, index=rows.index
    ).astype({"action": object})
    for remedy in table:
        mine = rows.reason == remedy.reason
        gain = rows.value.astype(float) * remedy.uplift - remedy.cost
        better = mine & (gain > best.expected)
        best.loc[better, "action"] = remedy.action
        best.loc[better, "uplift"] = remedy.uplift
        best.loc[better, "cost"] = remedy.cost
        best.loc[better, "expected"] = gain[better]
    kept = ["customer_id", "grade", "reason", "value"]
    kept += [c for c in ("chance", "stage", "recency") if c in rows]
    return rows[kept].join(best)


_REFUSED = {
    "low": message("low risk"),
    "barred": message("not to be contacted"),
    "rest": message("acted upon lately"),
    "no_gain": message("no action pays"),
    "no_room": message("beyond the team's capacity"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Winback(Result):
    """Who is worth recalling; see `winback`."""

    people: pd.DataFrame = field(repr=False)
    refused: pd.DataFrame = field(repr=False)
    table_of_actions: tuple[Remedy, ...] = field(repr=False)
    capacity: int
    holdout: float
    rest_days: int
    as_of: str
    timezone: str

    @property
    def treated(self) -> pd.DataFrame:
        """Those to contact."""
        return self.people[self.people.arm == "treated"]

    @property
    def empty(self) -> bool:
        """Whether nobody is worth recalling."""
        return self.people.empty

    @property
    def plan(self) -> pd.DataFrame:
        """One row a reason and action, the highest expected gain first."""
        rows = self.people.assign(
            treated=self.people.arm == "treated", held=self.people.arm == "holdout"
        )
        rows = rows.assign(spent=rows.cost * rows.treated, gain=rows.expected * rows.treated)
        found = rows.groupby(["reason", "action"], sort=True).agg(
            customers=("customer_id", "size"), treated=("treated", "sum"), held=("held", "sum"),
            cost=("spent", "sum"), expected=("gain", "sum"),
        )  # fmt: skip
        return found.sort_values("expected", ascending=False, kind="stable").reset_index()

    def interventions(self) -> pd.DataFrame:
        """The list as canonical interventions, both arms, to be imported before it is scored.

        Assigned when the day of the list is over; the held-out cost nothing.
        """
        at = periods.day_end(self.as_of, self.timezone)
        return pd.DataFrame(
            {
                "customer_id": self.people.customer_id,
                "assigned_at": pd.Timestamp(at),
                "reason": self.people.reason,
                "action": self.people.action,
                "arm": self.people.arm,
                "cost": self.people.cost.where(self.people.arm == "treated", 0.0),
            }
        )

    @property
    def headline(self) -> str:
        """How many to contact, at what cost, and what is expected."""
        if self.empty:
            return say("Nobody is worth recalling by the table of actions.")
        words = {
            "n": number(len(self.treated)),
            "cost": money(float(self.treated.cost.sum())),
            "gain": money(float(self.treated.expected.sum())),
            "held": number(len(self.people) - len(self.treated)),
        }
        if len(self.treated) == len(self.people):
            return say(
                "{n} customers to recall for {cost}; {gain} expected above cost. Nobody is held "
                "out: whether it helps will not be known.",
                **words,
            )
        return say(
            "{n} customers to recall for {cost}; {gain} expected above cost. {held} are held out "
            "to see whether it helps.",
            **words,
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Worth"),
                    say("Value of the period x uplift of the action, less its cost."),
                ),
                (
                    say("Action"),
                    say("The one with the highest worth for the customer's reason."),
                ),
                (
                    say("Held out"),
                    say(
                        "{share} of each grade and reason, drawn by the customer's own number: the "
                        "same customer has the same arm all month.",
                        share=percent(self.holdout),
                    ),
                ),
                (
                    say("Left out"),
                    "; ".join(
                        f"{say(_REFUSED[row.why])}: {number(row.customers)}"
                        for row in records(self.refused)
                    ),
                ),
                (
                    say("Rest"),
                    say(
                        "Who was acted upon in the last {n} days is left alone.",
                        n=number(self.rest_days),
                    ),
                ),
                (say("Day"), text.day(self.as_of)),
            )
        )

    def named(self, reason: str, action: str) -> str:
        """An action for readers."""
        return next(
            (r.name for r in self.table_of_actions if (r.reason, r.action) == (reason, action)),
            action,
        )

    def _named_plan(self) -> pd.DataFrame:
        plan = self.plan
        names = [self.named(r.reason, r.action) for r in records(plan)]
        return plan.assign(name=names)

    def tables(self) -> Mapping[str, Table]:
        """The plan, and who is left out."""
        columns = (
            Column("reason", say("Reason")),
            Column("name", say("Action")),
            Column("customers", say("Customers"), "count"),
            Column("treated", say("To contact"), "count"),
            Column("held", say("Held out"), "count"),
            Column("cost", say("Cost"), "money", 0),
            Column("expected", say("Expected above cost"), "money", 0),
        )
        plan = self._named_plan()
        plan = plan.assign(reason=[reason_words(r) for r in plan.reason])
        refused = self.refused.assign(name=[say(_REFUSED[w]) for w in self.refused.why])
        return {
            "plan": Table("winback-plan", say("Whom to recall, and how"), plan, columns),
            "refused": Table(
                "winback-refused",
                say("Who is left out"),
                refused,
                (Column("name", say("Why")), Column("customers", say("Customers"), "count")),
            ),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """What is expected of each action."""
        return {"plan": self._bars}

    def _bars(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        plan = self._named_plan()
        frame = plan.assign(
            label=[f"{reason_words(r.reason)} · {r.name}" for r in records(plan)],
            note=[say("{n} customers", n=number(n)) for n in plan.treated],
        )
        return draw.bars(
            frame,
            label="label",
            value="expected",
            note="note",
            name="winback-plan",
            title=self.headline,
            subtitle=say("Expected above cost, by reason and action"),
            alt="; ".join(f"{row.label} {money(float(row.expected))}" for row in records(frame)),
            kind="money",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """What is expected above cost."""
        if self.empty:
            return ()
        return (
            KeyFigure(
                name="winback_expected",
                label=say("Expected of recalls"),
                value=float(self.treated.expected.sum()),
                kind="money",
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The list, as something to do."""
        if self.empty:
            return ()
        return (
            Finding(
                words=self.headline,
                action=say("Work through the list from the top, with the action named in it."),
                weight=0.1,
            ),
        )

    def actions(self) -> ActionList:
        """Those to contact, the highest expected gain first: why, and what to do."""
        rows = self.treated
        names = [self.named(r.reason, r.action) for r in records(rows)]
        frame = rows.assign(reason_name=[reason_words(r) for r in rows.reason], action_name=names)
        columns = [
            Column("customer_id", say("Customer")),
            Column("reason_name", say("Reason")),
            Column("action_name", say("Action")),
            Column("value", say("Value of the period"), "money"),
            Column("expected", say("Expected above cost"), "money"),
        ]
        return ActionList(
            name="winback",
            title=say("Customers to recall on {day}", day=text.day(self.as_of)),
            frame=frame,
            columns=tuple(columns),
            note=say("Those held out are not on this list, on purpose."),
        )


_REASONS = {
    "price": message("Price"),
    "quality": message("Quality"),
    "service": message("Service"),
    "silent": message("Long without a purchase"),
    "fading": message("Less active"),
    "young": message("Not yet a habit"),
    "other": message("Nothing in particular"),
}


def reason_words(reason: str) -> str:
    """A reason for readers; a firm's own reason as it stands."""
    return say(_REASONS[reason]) if reason in _REASONS else str(reason)

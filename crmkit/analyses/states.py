"""Customers by state: new, active, cooling, dormant, lost, returned; by each one's own rhythm."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.snapshots import snapshots
from crmkit.stats import wilson
from crmkit.text import message, number, percent, say

__all__ = ["STATES", "States", "states"]

STATES = ("new", "active", "cooling", "dormant", "lost", "returned")
_NAMES = {
    "new": message("New"),
    "active": message("Active"),
    "cooling": message("Cooling"),
    "dormant": message("Dormant"),
    "lost": message("Lost"),
    "returned": message("Returned"),
    "": message("Not yet a customer"),
}


def states(
    orders: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    history: int = 6,
    step: int = 30,
    cooling: float = 1.5,
    dormant: float = 3.0,
    lost: float = 6.0,
) -> "States":
    """How many customers are in which state, and from which state they came.

    A state is told by the days since the last order in multiples of the customer's own rhythm: the
    mean time between orders, drawn to that of all customers by one gap. "new": the first order lies
    inside the last `step` days; "returned": ordered in these days after having been dormant or lost
    at the snapshot before; else "active", up to `cooling` times the rhythm, "cooling", up to
    `dormant`, "dormant", up to `lost`, and "lost".

    Parameters: `orders`; `as_of`, the day of the last snapshot; `history`, snapshots before it;
    `step`, days between them; the three multiples, ascending.
    Returns: States with `counts` (day, state, customers) and `moves` (before, state, customers, n
    who were in the state before, rate with rate_low and rate_high), all snapshots together; the
    customers of a snapshot add up, asserted.
    Raises: ParameterError for multiples that do not ascend, or a step below a day.

    >>> rows = ibis.memtable(
    ...     {
    ...         "order_id": ["1"], "customer_id": ["a"], "amount": [1.0], "refunded": [False],
    ...         "ordered_at": [dt.datetime(2025, 1, 30)],
    ...     }
    ... )
    >>> found = states(rows, as_of="2025-01-31", history=1).counts
    >>> found[found.customers > 0].state.tolist()
    ['new']
    """
    if not 0 < cooling < dormant < lost:
        raise ParameterError(
            f"cooling={cooling}, dormant={dormant}, lost={lost}: give ascending multiples."
        )
    if step < 1 or history < 1:
        raise ParameterError(f"step={step} and history={history}: give at least 1.")
    day = calendar.day(as_of)
    days = [day - dt.timedelta(days=step * k) for k in range(history + 2)]
    limits = (cooling, dormant, lost)
    raw = _counted(orders, days, timezone, step, limits).execute()
    raw = raw.astype({"snapshot": "int64", "customers": "int64"})
    first = (days[-1] - dt.date(1970, 1, 1)).days
    raw = raw[raw.snapshot > first]
    return States(
        counts=_counts(raw, days[:-1]),
        moves=_moves(raw[raw.snapshot > first + step]),
        limits=limits,
        step=step,
        as_of=str(day),
    )


def _counted(
    orders: ir.Table, days: list[dt.date], timezone: str, step: int, limits: tuple[float, ...]
) -> ir.Table:
    """Customers by snapshot, state there, and state at the snapshot before."""
    rows = snapshots(orders, days=days, timezone=timezone, followed=1)
    gaps, span = rows.orders - 1, rows.tenure - rows.recency
    by_day = ibis.window(group_by="snapshot")
    usual = span.sum().over(by_day).cast("float64") / gaps.sum().over(by_day).nullif(0)
    rows = rows.mutate(usual=ibis.coalesce(usual, 30.0))
    rhythm = ibis.greatest((span + rows.usual) / (gaps + 1).cast("float64"), 1.0)
    rows = rows.mutate(times=rows.recency / rhythm)
    cooling, dormant, lost = limits
    rows = rows.mutate(
        state=ibis.cases(
            (rows.tenure < step, "new"),
            (rows.times <= cooling, "active"),
            (rows.times <= dormant, "cooling"),
            (rows.times <= lost, "dormant"),
            else_="lost",
        )
    )
    kept = rows.select("customer_id", "snapshot", "state", "recency")
    earlier = kept.select("customer_id", snapshot=kept.snapshot + step, was=kept.state)
    both = kept.left_join(earlier, ["customer_id", "snapshot"])
    came_back = both.was.isin(["dormant", "lost"]) & (both.recency < step)
    both = both.select(
        "snapshot",
        state=came_back.fill_null(False).ifelse("returned", both.state),
        before=ibis.coalesce(both.was, ""),
    )
    return both.group_by(["snapshot", "state", "before"]).aggregate(customers=both.count())


def _counts(raw: pd.DataFrame, days: list[dt.date]) -> pd.DataFrame:
    numbers = {(d - dt.date(1970, 1, 1)).days: d for d in sorted(days)}
    found = raw.groupby(["snapshot", "state"]).customers.sum()
    index = pd.MultiIndex.from_product([list(numbers), STATES], names=["snapshot", "state"])
    frame = found.reindex(index, fill_value=0).reset_index()
    assert frame.customers.sum() == raw.customers.sum()
    return frame.assign(day=[numbers[n] for n in frame.snapshot])[["day", "state", "customers"]]


def _moves(raw: pd.DataFrame) -> pd.DataFrame:
    """Where customers of each state are at the next snapshot."""
    found = raw.groupby(["before", "state"]).customers.sum().reset_index()
    found = found[found.before != ""]
    n = found.groupby("before").customers.transform("sum")
    low, high = wilson(found.customers, n)
    found = found.assign(n=n, rate=found.customers / n, rate_low=low, rate_high=high)
    order = {state: place for place, state in enumerate(STATES)}
    return found.sort_values(["before", "state"], key=lambda c: c.map(order), ignore_index=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class States(Result):
    """Customers by state; see `states`."""

    counts: pd.DataFrame = field(repr=False)
    moves: pd.DataFrame = field(repr=False)
    limits: tuple[float, ...]
    step: int
    as_of: str

    @property
    def now(self) -> "pd.Series[int]":
        """Customers by state at the last snapshot."""
        last = self.counts[self.counts.day == self.counts.day.max()]
        found: pd.Series[int] = last.set_index("state").customers
        return found

    @property
    def empty(self) -> bool:
        """Whether there are no customers."""
        return bool(self.now.sum() == 0)

    @property
    def headline(self) -> str:
        """Who is active, who is cooling, and where these go."""
        if self.empty:
            return say("Nobody has bought by {day}.", day=text.day(self.as_of))
        words = {
            "active": number(self.now[["new", "active", "returned"]].sum()),
            "all": number(self.now.sum()),
            "cooling": number(self.now["cooling"]),
        }
        back = self._back("cooling")
        if back is None:
            return say("{active} of {all} customers are active, {cooling} are cooling.", **words)
        return say(
            "{active} of {all} customers are active, {cooling} are cooling; of these {rate} are "
            "active again after {n} days.",
            **words,
            rate=percent(back),
            n=number(self.step),
        )

    def _back(self, state: str) -> float | None:
        rows = self.moves[self.moves.before == state]
        if rows.empty:
            return None
        return float(rows[rows.state.isin(["active", "returned"])].rate.sum())

    @property
    def definition(self) -> Definition:
        """What the states mean."""
        cooling, dormant, lost = (number(limit, 1) for limit in self.limits)
        return Definition(
            (
                (
                    say("Rhythm"),
                    say(
                        "The customer's mean days between orders, drawn to that of all by one gap."
                    ),
                ),
                (
                    say("States"),
                    say(
                        "Active up to {cooling} times the rhythm since the last order, cooling up "
                        "to {dormant}, dormant up to {lost}, then lost.",
                        cooling=cooling,
                        dormant=dormant,
                        lost=lost,
                    ),
                ),
                (
                    say("New and returned"),
                    say(
                        "First order, or an order after having been dormant or lost, in the last "
                        "{n} days.",
                        n=number(self.step),
                    ),
                ),
                (say("Interval"), say("Wilson, 95%.")),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """States by day; moves from one to another."""
        wide = self.counts.pivot_table(index="day", columns="state", values="customers")
        wide = wide.reindex(columns=STATES).reset_index()
        columns = (
            Column("day", say("Day"), "day"),
            *(Column(state, say(_NAMES[state]), "count") for state in STATES),
        )
        moves = self.moves.assign(
            was=[say(_NAMES[s]) for s in self.moves.before],
            became=[say(_NAMES[s]) for s in self.moves.state],
        )
        shown = (
            Column("was", say("State before")),
            Column("became", say("State after")),
            Column("customers", say("Customers"), "count"),
            Column("rate", say("Share"), "rate", low="rate_low", high="rate_high", n="n"),
        )
        caption = say("From one state to the next, in {n} days", n=number(self.step))
        return {
            "counts": Table("states", say("Customers by state"), wide, columns),
            "moves": Table("states-moves", caption, moves, shown),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """States over time."""
        return {"counts": self._columns}

    def _columns(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        wide = self.counts.pivot_table(index="day", columns="state", values="customers")
        frame = wide.reset_index()
        frame = frame.assign(
            label=[text.day(day) for day in frame.day],
            here=frame[["new", "active", "returned"]].sum(axis=1),
        )
        return draw.columns(
            frame,
            label="label",
            values=[
                ("here", say("Active, new or returned")),
                ("cooling", say(_NAMES["cooling"])),
                ("dormant", say(_NAMES["dormant"])),
                ("lost", say(_NAMES["lost"])),
            ],
            name="states",
            title=self.headline,
            subtitle=say("Customers by state, by each one's own rhythm"),
            alt="; ".join(
                f"{row.label}: {number(row.here)} / {number(row.cooling)}" for row in records(frame)
            ),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Customers who are cooling."""
        if self.empty:
            return ()
        history = self.counts[self.counts.state == "cooling"].customers
        return (
            KeyFigure(
                name="states_cooling",
                label=say("Cooling customers"),
                value=float(self.now["cooling"]),
                better="down",
                history=tuple(float(v) for v in history),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The cooling: the last who can still be won by a word."""
        if self.empty or not self.now["cooling"]:
            return ()
        return (
            Finding(
                words=self.headline,
                action=say("Speak to the cooling before they are dormant."),
                weight=float(self.now["cooling"] / self.now.sum()) / 2,
            ),
        )

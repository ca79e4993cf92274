"""Followers lost: who joined when, who is silent since, and whether the new leave sooner."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import InputError, ParameterError
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.stats import difference_interval, two_proportions, wilson
from crmkit.text import number, percent, say, span

__all__ = ["Followers", "followers"]


def followers(
    joined: ir.Table,
    activity: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 60,
    new: int = 90,
) -> "Followers":
    """Followers lost by month of joining, and in the last month the new against the old.

    A follower is lost on the day after which there was no activity for `days` days; joining counts
    as activity. Whoever was active in the last `days` days cannot be told yet and counts as still
    there.

    Parameters: `joined`, rows of customer_id and created_at (customers will do); `activity`, rows
    of customer_id and occurred_at or ordered_at; `as_of`, the last day, included; `days`, of
    silence; `new`, days since joining up to which a follower is new.
    Returns: Followers with `cohorts` (month, n, lost, rate, interval, young: not all can be told)
    and `new`, `old`: n who were there `days` ago, and how many of them were lost since.
    Raises: InputError without such columns, ParameterError for days below 1.

    >>> day = dt.datetime(2025, 1, 1)
    >>> people = ibis.memtable({"customer_id": ["a"], "created_at": [day]})
    >>> did = ibis.memtable({"customer_id": ["a"], "occurred_at": [day]})
    >>> followers(people, did, as_of="2025-06-30").cohorts[["n", "lost"]].values.tolist()
    [[1, 1]]
    """
    if days < 1 or new < 1:
        raise ParameterError(f"days={days} and new={new}: give at least 1.")
    time = next((c for c in ("occurred_at", "ordered_at") if c in activity.columns), None)
    if time is None or not {"customer_id", "created_at"} <= set(joined.columns):
        raise InputError(
            "joined needs customer_id and created_at, activity customer_id and occurred_at "
            "or ordered_at."
        )
    day = calendar.day(as_of)
    raw = _counted(joined, activity, time, day, timezone, days, new).execute()
    raw = raw.astype({"n": "int64", "lost": "int64", "month": "int64", "there": "int64",
                      "gone": "int64"})  # fmt: skip
    cohorts = raw.groupby("month")[["n", "lost"]].sum().reset_index()
    low, high = wilson(cohorts.lost, cohorts.n)
    cohorts = cohorts.assign(
        rate=cohorts.lost / cohorts.n,
        rate_low=low,
        rate_high=high,
        month=pd.to_datetime([calendar.period_start(int(m), "month") for m in cohorts.month]),
    )
    last_known = pd.Timestamp(day - dt.timedelta(days=days))
    cohorts["young"] = cohorts.month + pd.offsets.MonthEnd(0) > last_known
    sides = raw.groupby("is_new")[["there", "gone"]].sum()

    def of(side: int) -> tuple[int, int]:
        return (int(sides.there.get(side, 0)), int(sides.gone.get(side, 0)))

    return Followers(cohorts=cohorts, new=of(1), old=of(0), days=days, new_days=new, as_of=str(day))


def _counted(
    joined: ir.Table,
    activity: ir.Table,
    time: str,
    day: dt.date,
    timezone: str,
    days: int,
    new: int,
) -> ir.Table:
    end = calendar.day_end(day, timezone)
    today = (day - dt.date(1970, 1, 1)).days
    people = joined.filter(~joined.customer_id.isnull(), joined.created_at < end)
    people = people.group_by("customer_id").aggregate(created_at=people.created_at.min())
    people = people.mutate(
        began=calendar.day_number(people.created_at, timezone, until=end),
        month=calendar.period_number(people.created_at, "month", timezone, until=end),
    )
    did = activity.filter(~activity.customer_id.isnull(), activity[time] < end)
    did = did.select("customer_id", day=calendar.day_number(did[time], timezone, until=end))
    before = today - days
    seen = did.group_by("customer_id").aggregate(
        last=did.day.max(), earlier=did.day.max(where=did.day <= before)
    )
    both = people.left_join(seen, "customer_id")
    last = ibis.greatest(both.began, ibis.coalesce(both["last"], both.began))
    earlier = ibis.greatest(both.began, ibis.coalesce(both.earlier, both.began))
    # There `days` ago: joined by then and not silent for `days` at that time.
    there = (both.began <= before) & (earlier > before - days)
    rows = both.select(
        "month",
        lost=(last <= before).ifelse(1, 0),
        is_new=(before - both.began < new).ifelse(1, 0),
        there=there.ifelse(1, 0),
        gone=(there & (last <= before)).ifelse(1, 0),
    )
    return rows.group_by(["month", "is_new"]).aggregate(
        n=rows.count(), lost=rows.lost.sum(), there=rows.there.sum(), gone=rows.gone.sum()
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Followers(Result):
    """Followers lost; see `followers`."""

    cohorts: pd.DataFrame = field(repr=False)
    new: tuple[int, int]
    old: tuple[int, int]
    days: int
    new_days: int
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether nobody had joined."""
        return self.cohorts.empty

    @property
    def difference(self) -> tuple[float, float, float, float]:
        """By how much the new are lost more than the old, its interval, and p."""
        (n, x), (m, y) = self.new, self.old
        if not n or not m:
            return (np.nan, np.nan, np.nan, np.nan)
        low, high = difference_interval(x, n, y, m)
        return (x / n - y / m, low, high, two_proportions(x, n, y, m))

    @property
    def headline(self) -> str:
        """The new against the old."""
        if self.empty:
            return say("Nobody had joined by {day}.", day=text.day(self.as_of))
        (n, x), (m, y) = self.new, self.old
        if not n or not m:
            return say(
                "{lost} of {n} followers are lost.",
                lost=number(self.cohorts.lost.sum()),
                n=number(self.cohorts.n.sum()),
            )
        _, low, high, p = self.difference
        words = {
            "n": number(self.days),
            "new": percent(x / n),
            "old": percent(y / m),
            "span": span(low, high),
        }
        if p >= 0.05:
            return say(
                "In the last {n} days {new} of the new and {old} of the old followers were lost: "
                "no difference beyond chance.",
                **words,
            )
        return say(
            "In the last {n} days {new} of the new and {old} of the old followers were lost "
            "(difference {span}).",
            **words,
        )

    @property
    def definition(self) -> Definition:
        """Who is lost, who is new."""
        return Definition(
            (
                (
                    say("Lost"),
                    say("No activity for {n} days, joining included.", n=number(self.days)),
                ),
                (
                    say("New"),
                    say(
                        "Joined at most {n} days before those days began.", n=number(self.new_days)
                    ),
                ),
                (
                    say("Not known yet"),
                    say("Who was active in the last {n} days counts as still there.",
                        n=number(self.days)),
                ),
                (say("Interval"), say("Wilson, 95%; of the difference, Newcombe.")),
            )
        )  # fmt: skip

    def tables(self) -> Mapping[str, Table]:
        """One row a month of joining."""
        frame = self.cohorts.assign(name=[text.period(m, "month") for m in self.cohorts.month])
        columns = (
            Column("name", say("Joined in")),
            Column("n", say("Followers"), "count", partial="young"),
            Column("lost", say("Lost"), "count"),
            Column("rate", say("Share"), "rate", low="rate_low", high="rate_high", n="n"),
        )
        return {"cohorts": Table("followers", say("Followers lost by month"), frame, columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share lost by month of joining."""
        return {"cohorts": self._columns}

    def _columns(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.cohorts.assign(label=[text.period(m, "month") for m in self.cohorts.month])
        return draw.columns(
            frame,
            label="label",
            values=[("rate", say("Lost"))],
            name="followers",
            title=self.headline,
            subtitle=say(
                "Share lost by month of joining, with 95% intervals; hatched where not all can be "
                "told yet"
            ),
            alt="; ".join(f"{row.label} {percent(row.rate)}" for row in records(frame)),
            partial="young",
            low="rate_low",
            high="rate_high",
            kind="rate",
        )

    def findings(self) -> tuple[Finding, ...]:
        """Whether the new leave sooner."""
        if self.empty or not self.difference[3] < 0.05:
            return ()
        action = (
            say("Look after the first weeks: greet, show, ask.")
            if self.difference[0] > 0
            else say("Do something for those who have been here long.")
        )
        return (Finding(words=self.headline, action=action, weight=abs(self.difference[0]) / 4),)

"""The 40-20-10 rule: retention after a day, a week and a month against what growth needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.activity import time_column
from crmkit.analyses.retention import cells
from crmkit.analyses.retention.options import Clock, Event, Options, checked
from crmkit.analyses.retention.rows import counted
from crmkit.analyses.retention.words import card, each, when
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import SMALL
from crmkit.text import message, percent, say, span

__all__ = ["FortyTwentyTen", "forty_twenty_ten"]

TARGETS: dict[calendar.Period, float] = {"day": 0.4, "week": 0.2, "month": 0.1}
_NAMES = {"day": message("Day 1"), "week": message("Week 1"), "month": message("Month 1")}
_VERDICTS = {
    "met": message("met"),
    "missed": message("missed"),
    "open": message("too close to tell"),
    "unknown": message("not known yet"),
}


def forty_twenty_ten(
    events: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    start: Event = None,
    back: Event = None,
    clock: Clock = "calendar",
    since: calendar.Day | None = None,
    until: calendar.Day | None = None,
) -> "FortyTwentyTen":
    """Retention after one day, one week and one month against 40%, 20% and 10%.

    Each is the share of all customers whose period after the start is over that came back in that
    period. A target is met when the whole interval is above it, missed when it is below. The rule
    is a rule of thumb from consumer apps; a shop with slow goods need not meet it.

    Parameters: as in `retention`.
    Returns: `FortyTwentyTen` with the frame `rule`: period, target, n, customers, rate, rate_low,
        rate_high, verdict (met, missed, open, unknown); blank where nothing can be observed.
    Raises: ParameterError, InputError as in `retention`.

    >>> import datetime, ibis
    >>> days = [datetime.datetime(2011, 1, d) for d in (1, 2, 1)]
    >>> visits = ibis.memtable({"customer_id": ["a", "a", "b"], "occurred_at": days})
    >>> found = forty_twenty_ten(visits, as_of="2011-01-20").rule
    >>> found[["period", "n", "customers", "verdict"]].to_numpy().tolist()
    [['day', 2, 1, 'open'], ['week', 2, 0, 'open'], ['month', 0, 0, 'unknown']]
    """
    base = checked(
        as_of=as_of,
        timezone=timezone,
        period="day",
        criterion="on",
        brackets=None,
        cohort="first",
        start=start,
        back=back,
        clock=clock,
        minimum=1,
        breakdown=None,
        since=since,
        until=until,
        same_period=False,
        periods_shown=1,
    )
    each = {period: replace(base, period=period) for period in TARGETS}
    asked = [
        counted(events, options).mutate(rule=ibis.literal(period))
        for period, options in each.items()
    ]
    raw = ibis.union(*asked).execute()
    parts = {
        period: cells.counts(raw[raw.rule == period].drop(columns="rule"), options)
        for period, options in each.items()
    }
    return FortyTwentyTen(
        rule=_rule(parts, each),
        dropped=parts["day"].dropped,
        orders=time_column(events) == "ordered_at",
        options=base,
    )


def _rule(
    parts: Mapping[calendar.Period, cells.Counts], each: Mapping[calendar.Period, Options]
) -> pd.DataFrame:
    rows = []
    for period, options in each.items():
        found = cells.retained(parts[period], options)
        mature = found[(found.period == 1) & ~found.partial]
        sums = {"n": int(mature.n.sum()), "customers": int(mature.customers.sum())}
        rows.append({"period": period, "target": TARGETS[period], **sums})
    frame = pd.DataFrame(rows)
    rated = cells.with_rates(frame.assign(through=1), each["day"])
    choices = [rated.n == 0, rated.rate_low >= rated.target, rated.rate_high < rated.target]
    verdict = np.select(choices, ["unknown", "met", "missed"], "open")
    return rated.drop(columns="through").assign(verdict=verdict)


@dataclass(frozen=True, kw_only=True)
class FortyTwentyTen(Result):
    """Retention against the rule; see `forty_twenty_ten` for the frame."""

    rule: pd.DataFrame = field(repr=False)
    dropped: int
    orders: bool
    options: Options = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether nothing can be observed yet."""
        return not (self.rule.n > 0).any()

    @property
    def headline(self) -> str:
        """The three rates against their targets."""
        if self.empty:
            return say("No first day after a start is over yet.")
        return say(
            "{rates}: {met} of {known} targets of the 40-20-10 rule are met.",
            rates=self._rates(),
            met=text.number((self.rule.verdict == "met").sum()),
            known=text.number((self.rule.n > 0).sum()),
        )

    def _rates(self) -> str:
        known = self.rule[self.rule.n > 0]
        return ", ".join(f"{say(_NAMES[r.period])} {percent(r.rate)}" for r in each(known))

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        rule = (
            say("The 40-20-10 rule"),
            say(
                "Targets of 40% in the first day, 20% in the first week and 10% in the first month "
                "after that of the start; met when the whole interval is above."
            ),
        )
        return Definition((rule, *card(self.options, self.dropped)))

    def _named(self) -> pd.DataFrame:
        return self.rule.assign(
            name=[say(_NAMES[period]) for period in self.rule.period],
            words=[say(_VERDICTS[verdict]) for verdict in self.rule.verdict],
        )

    def tables(self) -> Mapping[str, Table]:
        """The three rates and their targets."""
        columns = (
            Column("name", say("Period")),
            Column("n", say("Customers"), kind="count"),
            Column("customers", say("Came back"), kind="count"),
            Column("rate", say("Retention"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("target", say("Target"), kind="rate", digits=0),
            Column("words", say("Verdict")),
        )
        return {"rule": Table("rule", say("The 40-20-10 rule"), self._named(), columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The rates with their intervals, the targets as hollow dots."""
        return {"rule": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self._named()[self.rule.n > 0]
        return draw.dots(
            frame.assign(weak=frame.n < SMALL),
            label="name",
            value="rate",
            low="rate_low",
            high="rate_high",
            previous="target",
            weak="weak",
            name="rule",
            title=self.headline,
            subtitle=say("Share that came back, with 95% intervals; hollow: the target."),
            alt=self._rates(),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The three rates."""
        return tuple(
            KeyFigure(
                name=f"rule_{row.period}",
                label=say("Retention, {period}", period=say(_NAMES[row.period])),
                value=row.rate,
                kind="rate",
                low=row.rate_low,
                high=row.rate_high,
            )
            for row in each(self.rule[self.rule.n > 0])
        )

    def findings(self) -> tuple[Finding, ...]:
        """The targets that are missed."""
        missed = self.rule[self.rule.verdict == "missed"]
        return tuple(
            Finding(
                words=say(
                    "{period}: {rate} ({span}) came back, below the target of {target}.",
                    period=say(_NAMES[row.period]),
                    rate=percent(row.rate),
                    span=span(row.rate_low, row.rate_high),
                    target=percent(row.target, 0),
                ),
                action=say("Give new customers a reason to return {when}.", when=self._when(row)),
                weight=float(row.target - row.rate),
            )
            for row in each(missed)
        )

    def _when(self, row: Any) -> str:
        return when(replace(self.options, period=row.period), 1, 1)

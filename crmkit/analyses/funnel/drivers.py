"""What goes with finishing: other events on the way, and properties at the entry."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.activity import value_of
from crmkit.analyses.funnel import card
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.persons import with_unit
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.stats import holm, two_proportions, wilson
from crmkit.steps import Matching, Step, reach, steps_of
from crmkit.text import number, percent, say

__all__ = ["Drivers", "funnel_drivers"]

_Z = 1.959963984540054
_FEWEST = 30


def funnel_drivers(
    events: ir.Table,
    *,
    steps: Sequence[str | Step],
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    how: Matching | None = None,
    minutes: int = 30,
    properties: Sequence[str] = ("channel", "device"),
    ignore: Sequence[str] = (),
    identities: ir.Table | None = None,
) -> "Drivers":
    """Odds of finishing with and without an event on the way, or a property at the entry.

    An event counts if it happened in the first `minutes` after the entry, and before the finish:
    the same time for those who finish and those who do not, but for the few who finish sooner.
    Steps themselves are left out. This is association, not cause.

    Parameters: as of `funnel`; `minutes`, in which other events are looked for;
    `properties`, columns whose value at the entry is compared;
    `ignore`, events that only those far ahead can do, such as filling in a form of the last step.
    Returns: Drivers with `rows`: kind ("event" or a column), value, with_n, with_units,
    without_n, without_units (entered, finished), odds ratio with odds_low and odds_high, p after
    Holm; factors that fewer than 30 have, or lack, are left out.
    Raises: ParameterError as of `funnel`, or for a property that is no column.
    The odds ratio adds one half to each cell (Haldane, Anscombe 1956); its interval is Woolf's.

    >>> import datetime, ibis
    >>> day = datetime.datetime(2025, 1, 1)
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1"], "customer_id": ["c"], "occurred_at": [day], "event": ["view"],
    ...     }
    ... )
    >>> len(funnel_drivers(rows, steps=["view", "buy"], as_of="2025-01-01", properties=()).rows)
    0
    """
    how = replace(how if how is not None else Matching(), breakdown=None)
    chosen = steps_of(steps)
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    first = calendar.window_start(day, days)
    for name in properties:
        value_of(events, name)
    known = events.filter(events.occurred_at < end)
    start = calendar.day_start(first, timezone)
    raw = _counted(known, chosen, how, start, end, minutes, properties, identities).execute()
    return Drivers(
        rows=_odds(raw, {step.event for step in chosen} | {*ignore}),
        names=tuple(step.name for step in chosen),
        start=str(first),
        as_of=str(day),
        minutes=minutes,
        how=how,
    )


def _counted(
    known: ir.Table,
    steps: Sequence[Step],
    how: Matching,
    start: dt.datetime,
    end: dt.datetime,
    minutes: int,
    properties: Sequence[str],
    identities: ir.Table | None,
) -> ir.Table:
    """Units with each factor by whether they finished, and all units."""
    last = len(steps)
    found = reach(known, steps, how, start=start, end=end, identities=identities)
    over = found.at_1 + ibis.interval(minutes=minutes)
    found = found.select(
        "unit",
        "at_1",
        done=(found.reached == last).ifelse(1, 0),
        until=ibis.least(ibis.coalesce(found[f"at_{last}"], over), over),
    )
    rows = with_unit(known, how.unit, identities=identities)
    rows = rows.select("unit", "event", *properties, at="occurred_at").inner_join(found, "unit")
    inside = rows.filter(rows["at"] > rows.at_1, rows["at"] < rows["until"])
    parts = [inside.select("unit", "done", kind=ibis.literal("event"), value="event")]
    entry = rows.filter(rows["at"] == rows.at_1)
    for name in properties:
        value = entry[name].cast("string")
        each = (
            entry.mutate(value=value).group_by(["unit", "done"]).aggregate(value=ibis._.value.min())
        )
        parts.append(each.select("unit", "done", kind=ibis.literal(name), value="value"))
    factors = ibis.union(*parts) if len(parts) > 1 else parts[0]
    factors = factors.filter(~factors["value"].isnull()).distinct()
    counts = factors.group_by(["kind", "value"]).aggregate(
        n=factors.count(), units=factors.done.sum()
    )
    everyone = found.aggregate(n=found.count(), units=ibis.coalesce(found.done.sum(), 0))
    whole = everyone.select(kind=ibis.literal("all"), value=ibis.literal(""), n="n", units="units")
    return counts.union(whole.cast(counts.schema()))


def _odds(raw: pd.DataFrame, steps: set[str | None]) -> pd.DataFrame:
    whole = raw[raw.kind == "all"].iloc[0]
    rows = raw[(raw.kind != "all") & ~((raw.kind == "event") & raw["value"].isin(steps))]
    rows = rows[(rows.n >= _FEWEST) & (whole.n - rows.n >= _FEWEST)]
    a, b = rows.units.to_numpy(float), (rows.n - rows.units).to_numpy(float)
    c = float(whole.units) - a
    d = float(whole.n - whole.units) - b
    log = np.log((a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5)))
    error = _Z * np.sqrt(1 / (a + 0.5) + 1 / (b + 0.5) + 1 / (c + 0.5) + 1 / (d + 0.5))
    p = [two_proportions(x1, n1, x2, n2) for x1, n1, x2, n2 in zip(a, a + b, c, c + d, strict=True)]
    low, high = wilson(a, a + b)
    rest_low, rest_high = wilson(c, c + d)
    frame = pd.DataFrame(
        {
            "kind": rows.kind.to_numpy(),
            "value": rows["value"].to_numpy(),
            "with_n": (a + b).astype("int64"),
            "with_units": a.astype("int64"),
            "with_rate": a / (a + b),
            "with_low": low,
            "with_high": high,
            "without_n": (c + d).astype("int64"),
            "without_units": c.astype("int64"),
            "without_rate": c / (c + d),
            "without_low": rest_low,
            "without_high": rest_high,
            "odds": np.exp(log),
            "odds_low": np.exp(log - error),
            "odds_high": np.exp(log + error),
            "p": holm(p) if p else np.array([], dtype=float),
        }
    )
    strength = np.abs(np.log(frame.odds))
    return (
        frame.assign(strength=strength)
        .sort_values(
            ["strength", "kind", "value"], ascending=[False, True, True], ignore_index=True
        )
        .drop(columns="strength")
    )


@dataclass(frozen=True, kw_only=True)
class Drivers(Result):
    """What goes with finishing; see `funnel_drivers`."""

    rows: pd.DataFrame = field(repr=False)
    names: tuple[str, ...]
    start: str
    as_of: str
    minutes: int
    how: Matching = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether no factor has enough units on both sides."""
        return self.rows.empty

    @property
    def sure(self) -> pd.DataFrame:
        """The factors that differ beyond chance."""
        return self.rows[self.rows.p < 0.05]

    @property
    def top(self) -> "pd.Series[Any]":
        """The strongest sure factor that helps; where none does, the strongest of all."""
        helpful = self.sure[self.sure.odds > 1]
        return (helpful if len(helpful) else self.sure).iloc[0]

    @property
    def headline(self) -> str:
        """The strongest factor."""
        if self.empty:
            return say("No other event or property has enough units to compare.")
        if self.sure.empty:
            return say("No other event or property goes with finishing beyond chance.")
        top = self.top
        if top.odds < 1:
            return say(
                "{factor} goes with leaving most: {rate} finish with it, {rest} without "
                "(odds ratio {odds}).",
                factor=_factor(top.kind, top["value"]),
                rate=percent(top.with_rate),
                rest=percent(top.without_rate),
                odds=number(top.odds, 2),
            )
        return say(
            "{factor} goes with finishing most: {rate} with it, {rest} without "
            "(odds ratio {odds}).",
            factor=_factor(top.kind, top["value"]),
            rate=percent(top.with_rate),
            rest=percent(top.without_rate),
            odds=number(top.odds, 1),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (say("Steps"), " → ".join(self.names)),
                (
                    say("On the way"),
                    say(
                        "In the first {n} minutes after the entry, and before the finish.",
                        n=number(self.minutes),
                    ),
                ),
                (
                    say("Caution"),
                    say(
                        "What goes with finishing need not cause it; who wants to buy does more of "
                        "everything."
                    ),
                ),
                (
                    say("Time to do it"),
                    say(
                        "Who finishes sooner than that has had less time for other events, which "
                        "makes these look a little worse than they are; who entered late and may "
                        "still finish counts as not finished."
                    ),
                ),
                (
                    say("Odds ratio"),
                    say("One half added to each cell (Haldane, Anscombe), Woolf's 95% interval."),
                ),
                (say("p"), say("Two-proportion tests, corrected after Holm.")),
                (
                    say("Left out"),
                    say("Factors that fewer than {n} have, or lack.", n=number(_FEWEST)),
                ),
                (
                    say("Entered"),
                    say(
                        "From {start} to {end}.",
                        start=text.day(self.start),
                        end=text.day(self.as_of),
                    ),
                ),
                *card.decisions(self.how),
            )
        )

    def _named(self) -> pd.DataFrame:
        return self.rows.assign(
            name=[_factor(k, v) for k, v in zip(self.rows.kind, self.rows["value"], strict=True)]
        )

    def tables(self) -> Mapping[str, Table]:
        """One row a factor, the strongest first."""
        columns = (
            Column("name", say("Event or property")),
            Column(
                "with_rate",
                say("Finish with it"),
                "rate",
                low="with_low",
                high="with_high",
                n="with_n",
            ),
            Column(
                "without_rate",
                say("Finish without"),
                "rate",
                low="without_low",
                high="without_high",
                n="without_n",
            ),
            Column("odds", say("Odds ratio"), "number", 2, low="odds_low", high="odds_high"),
            Column("with_n", say("Entered with it"), "count"),
            Column("p", say("p after Holm"), "number", 3),
        )
        return {
            "rows": Table(
                "funnel-drivers", say("What goes with finishing"), self._named(), columns, limit=20
            )
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Odds ratios with their intervals."""
        return {"rows": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self._named().head(12)
        return draw.dots(
            frame,
            label="name",
            value="odds",
            low="odds_low",
            high="odds_high",
            name="funnel-drivers",
            title=self.headline,
            subtitle=say(
                "Odds ratio of finishing, with 95% intervals; the line is one: no difference"
            ),
            alt="; ".join(f"{row.name} {number(row.odds, 2)}" for row in records(frame)),
            reference=1.0,
            accent=[str(name) for name in frame.name[frame.p < 0.05]],
            kind="number",
        )

    def findings(self) -> tuple[Finding, ...]:
        """The strongest factor, as something to test."""
        if self.empty or self.sure.empty:
            return ()
        top = self.top
        return (
            Finding(
                words=self.headline,
                action=say(
                    "Test whether {factor} helps: give it to a random half.",
                    factor=_factor(top.kind, top["value"]),
                ),
                weight=float(min(top.with_n, top.without_n) / (top.with_n + top.without_n)) / 3,
            ),
        )


def _factor(kind: str, value: str) -> str:
    return value if kind == "event" else f"{card.column(kind)} {value}"

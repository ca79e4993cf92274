"""The same funnel by other definitions, to see how much of the number is the definition."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.stats import wilson
from crmkit.steps import Matching, Step, reach, steps_of
from crmkit.text import message, number, percent, say, span

__all__ = ["FunnelSensitivity", "funnel_sensitivity"]

_SECOND = dt.timedelta(seconds=1)
_NAMES = {
    "given": message("As reported"),
    "strict": message("Nothing else between the steps"),
    "unordered": message("Steps in any order"),
    "first": message("First entry only"),
    "half": message("Half the window"),
    "double": message("Twice the window"),
    "session": message("Within one visit"),
}


def funnel_sensitivity(
    events: ir.Table,
    *,
    steps: Sequence[str | Step],
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    how: Matching | None = None,
    identities: ir.Table | None = None,
) -> "FunnelSensitivity":
    """The share that finishes, by other orders, windows, re-entries and units.

    Parameters: as of `funnel`. Definitions that have no meaning with the others (any order with
    optional steps, strict with exclusions in any order) are left out.
    Returns: FunnelSensitivity with `rows`: definition, n (entered), units (finished), rate,
    rate_low, rate_high (Wilson).
    Raises: ParameterError as of `funnel`.

    >>> import datetime, ibis
    >>> day = datetime.datetime(2025, 1, 1)
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2"],
    ...         "customer_id": ["c", "c"],
    ...         "occurred_at": [day, day - datetime.timedelta(hours=1)],
    ...         "event": ["view", "buy"],
    ...     }
    ... )
    >>> found = funnel_sensitivity(rows, steps=["view", "buy"], as_of="2025-01-01", days=9).rows
    >>> found.set_index("definition").units[["given", "unordered"]].tolist()
    [0, 1]
    """
    how = replace(how if how is not None else Matching(), breakdown=None)
    chosen = steps_of(steps)
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    start = calendar.day_start(calendar.window_start(day, days), timezone)
    known = events.filter(events.occurred_at < end)
    counts = []
    for name, variant in _variants(how, chosen, events.columns):
        found = reach(known, chosen, variant, start=start, end=end, identities=identities)
        full = (found.reached == len(chosen)).ifelse(1, 0)
        counts.append(
            found.aggregate(n=found.count(), units=ibis.coalesce(full.sum(), 0)).mutate(
                definition=ibis.literal(name)
            )
        )
    rows = ibis.union(*counts).execute() if len(counts) > 1 else counts[0].execute()
    order = {name: place for place, name in enumerate(_NAMES)}
    rows = rows.sort_values("definition", key=lambda c: c.map(order), ignore_index=True)
    low, high = wilson(rows.units, rows.n)
    return FunnelSensitivity(
        rows=rows[["definition", "n", "units"]].assign(
            rate=rows.units / rows.n.where(rows.n > 0),
            rate_low=low,
            rate_high=high,
            weak=rows.n < 30,
        ),
        as_of=str(day),
    )


def _variants(
    how: Matching, steps: Sequence[Step], columns: Sequence[str]
) -> list[tuple[str, Matching]]:
    plain = not how.exclusions and not any(step.optional for step in steps)
    half = max(how.window // 2 // _SECOND, 1) * _SECOND
    found = [("given", how), ("half", replace(how, window=half))]
    found.append(("double", replace(how, window=how.window * 2)))
    if how.order != "strict":
        found.append(("strict", replace(how, order="strict")))
    if how.order != "unordered" and plain:
        found.append(("unordered", replace(how, order="unordered", reentry="latest")))
    if how.order != "unordered" and how.reentry != "first":
        found.append(("first", replace(how, reentry="first")))
    if how.unit != "session" and "session_id" in columns:
        found.append(("session", replace(how, unit="session")))
    return found


@dataclass(frozen=True, kw_only=True)
class FunnelSensitivity(Result):
    """The funnel by other definitions; see `funnel_sensitivity`."""

    rows: pd.DataFrame = field(repr=False)
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether nobody entered by any definition."""
        return bool(self.rows.n.max() == 0)

    @property
    def headline(self) -> str:
        """From the lowest to the highest rate."""
        if self.empty:
            return say("Nobody made the first step, by any definition.")
        known = self.rows.dropna(subset=["rate"]).sort_values("rate", kind="stable")
        low, high = known.iloc[0], known.iloc[-1]
        return say(
            "By definition, from {low} ({first}) to {high} ({last}) finish.",
            low=percent(low.rate),
            first=say(_NAMES[low.definition]),
            high=percent(high.rate),
            last=say(_NAMES[high.definition]),
        )

    @property
    def definition(self) -> Definition:
        """What is varied."""
        return Definition(
            (
                (say("Varied"), say("One decision at a time; all others as reported.")),
                (say("Interval"), say("Wilson, 95%; of one definition, not of the choice.")),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """One row a definition."""
        frame = self.rows.assign(name=[say(_NAMES[d]) for d in self.rows.definition])
        columns = (
            Column("name", say("Definition")),
            Column("n", say("Entered"), "count"),
            Column("units", say("Finished"), "count"),
            Column("rate", say("Share"), "rate", low="rate_low", high="rate_high", n="n"),
        )
        return {
            "rows": Table(
                "funnel-sensitivity", say("The same funnel by other definitions"), frame, columns
            )
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """A dot with its interval for each definition."""
        return {"rows": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.rows.assign(name=[say(_NAMES[d]) for d in self.rows.definition])
        return draw.dots(
            frame,
            label="name",
            value="rate",
            low="rate_low",
            high="rate_high",
            weak="weak",
            name="funnel-sensitivity",
            title=self.headline,
            subtitle=say(
                "Share that finishes of those who enter, by definition, with 95% intervals"
            ),
            alt="; ".join(
                f"{row.name} {percent(row.rate)} ({span(row.rate_low, row.rate_high)}, "
                f"n {number(row.n)})"
                for row in records(frame)
            ),
            accent=[say(_NAMES["given"])],
        )

    def findings(self) -> tuple[Finding, ...]:
        """How far the definition moves the number."""
        if self.empty:
            return ()
        spread = float(self.rows.rate.max() - self.rows.rate.min())
        return (
            Finding(
                words=self.headline,
                action=say("Name the definition whenever this rate is quoted."),
                weight=min(spread, 1.0) / 2,
            ),
        )

"""Where those who left a funnel went next, and how many left the place at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.funnel import card
from crmkit.analyses.funnel.frames import step_names
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.persons import with_unit
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.stats import wilson
from crmkit.steps import Matching, Step, reach, steps_of, times
from crmkit.text import number, percent, say

__all__ = ["Dropoff", "dropoff"]

_SHOWN = 5


def dropoff(
    events: ir.Table,
    *,
    steps: Sequence[str | Step],
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    how: Matching | None = None,
    gap_minutes: int = 30,
    ignore: Sequence[str] = (),
    identities: ir.Table | None = None,
) -> "Dropoff":
    """For each step, what those who made it last did next, and how many left at once.

    The next event is the first at a later instant than the last step made, within `gap_minutes`;
    who has none left at once. Units whose window is still open are counted too: they have not gone
    on so far.

    Parameters: as of `funnel`; `gap_minutes`, of silence that mean the visit is over; `ignore`,
    events that are no place to go to, such as "scroll".
    Returns: Dropoff with `rows`: step, name, target (an event; "" for those who left at once),
    units, n (all who stopped there), rate with rate_low and rate_high (Wilson). The units of a
    step add up to n: asserted.
    Raises: ParameterError as of `funnel`.

    >>> import datetime, ibis
    >>> day = datetime.datetime(2025, 1, 1)
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2"],
    ...         "customer_id": ["c", "c"],
    ...         "occurred_at": [day, day + datetime.timedelta(minutes=1)],
    ...         "event": ["view", "help"],
    ...     }
    ... )
    >>> found = dropoff(rows, steps=["view", "buy"], as_of="2025-01-01").rows
    >>> found[["name", "target", "units"]].to_numpy().tolist()
    [['view', 'help', 1]]
    """
    how = replace(how if how is not None else Matching(), breakdown=None)
    chosen = steps_of(steps)
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    first = calendar.window_start(day, days)
    known = events.filter(events.occurred_at < end)
    left = _left(known, chosen, how, calendar.day_start(first, timezone), end, identities)
    raw = _next(left, known, how, gap_minutes, ignore, identities).execute()
    return Dropoff(
        rows=_rows(raw, step_names(chosen, how.order)),
        names=tuple(step.name for step in chosen),
        start=str(first),
        as_of=str(day),
        gap_minutes=gap_minutes,
        ignore=tuple(ignore),
        how=how,
    )


def _left(
    known: ir.Table,
    steps: Sequence[Step],
    how: Matching,
    start: "object",
    end: "object",
    identities: ir.Table | None,
) -> ir.Table:
    """Units that did not finish, with the instant of their last step."""
    found = reach(known, steps, how, start=start, end=end, identities=identities)  # type: ignore[arg-type]
    found = found.filter(found.reached < len(steps))
    last = ibis.cases(
        *((found.reached == j, found[at]) for j, at in enumerate(times(len(steps)), 1)),
        else_=found.at_1,
    )
    return found.select("unit", "reached", last_at=last)


def _next(
    left: ir.Table,
    known: ir.Table,
    how: Matching,
    gap_minutes: int,
    ignore: Sequence[str],
    identities: ir.Table | None,
) -> ir.Table:
    """Units by the last step and the event that came next."""
    rows = with_unit(known, how.unit, identities=identities)
    if ignore:
        rows = rows.filter(~rows.event.isin(list(ignore)))
    rows = rows.select("unit", "event", "event_id", at="occurred_at")
    near = rows.inner_join(left.select("unit", "last_at"), "unit")
    near = near.filter(
        near["at"] > near.last_at, near["at"] <= near.last_at + ibis.interval(minutes=gap_minutes)
    )
    turn = ibis.row_number().over(group_by="unit", order_by=["at", "event_id"])
    following = near.mutate(turn=turn).filter(ibis._.turn == 0).select("unit", target="event")
    joined = left.left_join(following, "unit").drop("unit_right")
    joined = joined.mutate(target=ibis.coalesce(joined.target, ""))
    return joined.group_by(["reached", "target"]).aggregate(units=joined.count())


def _rows(raw: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    frame = raw.rename(columns={"reached": "step"})
    frame = frame.sort_values(["step", "units", "target"], ascending=[True, False, True])
    n = frame.groupby("step").units.transform("sum") if len(frame) else frame.units
    low, high = wilson(frame.units, n)
    frame = frame.assign(
        name=[names[int(step) - 1] for step in frame.step],
        n=n,
        rate=frame.units / n,
        rate_low=low,
        rate_high=high,
    ).reset_index(drop=True)
    assert frame.groupby("step").units.sum().eq(frame.groupby("step").n.first()).all()
    return frame[["step", "name", "target", "units", "n", "rate", "rate_low", "rate_high"]]


@dataclass(frozen=True, kw_only=True)
class Dropoff(Result):
    """What those who left did next; see `dropoff`."""

    rows: pd.DataFrame = field(repr=False)
    names: tuple[str, ...]
    start: str
    as_of: str
    gap_minutes: int
    ignore: tuple[str, ...]
    how: Matching = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether nobody left."""
        return self.rows.empty

    @property
    def headline(self) -> str:
        """Of the step that most stop at: how many left at once, and where most others went."""
        if self.empty:
            return say("Nobody left the funnel.")
        most = self.rows[self.rows.n == self.rows.n.max()]
        gone = most[most.target == ""].rate.sum()
        others = most[most.target != ""]
        words = {"n": number(most.n.iloc[0]), "step": most.name.iloc[0], "gone": percent(gone)}
        if others.empty:
            return say("Of the {n} who stop at {step}, {gone} leave at once.", **words)
        return say(
            "Of the {n} who stop at {step}, {gone} leave at once; "
            "most others go to {target} ({rate}).",
            **words,
            target=others.target.iloc[0],
            rate=percent(others.rate.iloc[0]),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (say("Steps"), " → ".join(self.names)),
                (
                    say("Next"),
                    say(
                        "The first event at a later instant than the last step made, within {n} "
                        "minutes; without one, the unit left at once.",
                        n=number(self.gap_minutes),
                    ),
                ),
                *(((say("Passed over"), ", ".join(self.ignore)),) if self.ignore else ()),
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
        """The rows with names for readers, small ways of a step taken together."""
        parts = []
        for _, part in self.rows.groupby("step"):
            top = part.head(_SHOWN)
            rest = part.iloc[_SHOWN:]
            if len(rest):
                other = rest.iloc[:1].assign(target=None, units=rest.units.sum())
                low, high = wilson(other.units, other.n)
                other = other.assign(rate=other.units / other.n, rate_low=low, rate_high=high)
                top = pd.concat([top, other])
            parts.append(top)
        frame = pd.concat(parts, ignore_index=True) if parts else self.rows
        names = [
            say("left at once") if target == "" else say("elsewhere") if pd.isna(target) else target
            for target in frame.target
        ]
        return frame.assign(where=names)

    def tables(self) -> Mapping[str, Table]:
        """One row a step and where they went."""
        columns = (
            Column("name", say("Last step made")),
            Column("where", say("Then")),
            Column("units", card.units(self.how.unit, capital=True), "count"),
            Column(
                "rate",
                say("Share of those who stop there"),
                "rate",
                low="rate_low",
                high="rate_high",
                n="n",
            ),
        )
        return {
            "rows": Table("dropoff", say("Where those who leave go next"), self._named(), columns)
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Flows from the last step made to what came next."""
        return {"flow": self._flow}

    def _flow(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self._named().assign(layer=0)
        return draw.flow(
            frame[["layer", "name", "where", "units"]],
            layer="layer",
            source="name",
            target="where",
            value="units",
            name="dropoff",
            title=self.headline,
            subtitle=say(
                "Those who do not finish, from the last step they made to what they did next"
            ),
            alt="; ".join(
                f"{row.name} → {row.where}: {number(row.units)}" for row in records(frame)
            ),
            accent=[say("left at once")],
            last=[say("elsewhere"), say("left at once")],
            heads=[say("Last step made"), say("Then")],
        )

    def findings(self) -> tuple[Finding, ...]:
        """The step after which most go."""
        if self.empty:
            return ()
        return (
            Finding(
                words=self.headline,
                action=self._advice(),
                weight=float(self.rows.n.max() / max(self.rows.groupby("step").n.first().sum(), 1))
                / 2,
            ),
        )

    def _advice(self) -> str:
        """What to do about the step that most stop at: it depends on whether they look further."""
        most = self.rows[self.rows.n == self.rows.n.max()]
        gone = most[most.target == ""].rate.sum()
        if gone > 0.5:
            return say(
                "Most leave {step} without looking further: test its offer, price and speed.",
                step=most.name.iloc[0],
            )
        return say("Offer on that page what they go to look for.")

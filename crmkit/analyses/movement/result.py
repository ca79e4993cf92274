"""What a movement between segments gives back."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from crmkit import contacts
from crmkit.actions import ActionList
from crmkit.analyses.movement import charts, words
from crmkit.analyses.movement.counts import BAD, GONE, GOOD, NEW, Scale, cell_or_none
from crmkit.blocks import Definition, Figure, Table
from crmkit.contacts import LIMIT
from crmkit.result import Finding, KeyFigure, Result
from crmkit.scoring import Scoring
from crmkit.segmentation import SegmentTable
from crmkit.stats import wilson
from crmkit.text import day, money, number, say


@dataclass(frozen=True, kw_only=True, eq=False)
class Movement(Result):
    """Customers by the segments they were in and are in; `actions()` lists those who fell."""

    as_of: dt.date
    previous: dt.date
    scale: Scale
    timezone: str
    history: int | None
    scoring: Scoring
    segment_table: SegmentTable = field(repr=False)
    moves: pd.DataFrame = field(repr=False)
    segments: pd.DataFrame = field(repr=False)
    cells: Mapping[int, str] = field(repr=False)
    limits: Mapping[str, tuple[int, ...]] = field(repr=False)
    people: ir.Table = field(repr=False)
    profiles: ir.Table | None = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether nobody bought by then."""
        return self.moves.empty

    @property
    def new(self) -> int:
        """Customers who first bought after the earlier day."""
        return int(self.moves.customers[self.moves.was == NEW].sum())

    @property
    def gone(self) -> int:
        """Customers with no purchase left in the history."""
        return int(self.moves.customers[self.moves.became == GONE].sum())

    @property
    def moved(self) -> int:
        """Customers of the earlier day who are in another segment now."""
        moves = self.moves
        return int(moves.customers[(moves.was != moves.became) & (moves.was != NEW)].sum())

    @property
    def fallen(self) -> pd.DataFrame:
        """The moves out of good segments (core, loyal, growing) into bad ones, or out of sight."""
        bad = {*self.with_roles(BAD), GONE}
        return self.moves[self.moves.was.isin(self.with_roles(GOOD)) & self.moves.became.isin(bad)]

    @property
    def risen(self) -> pd.DataFrame:
        """The moves from bad segments (at risk, fading, lost) into good ones."""
        return self.moves[
            self.moves.was.isin(self.with_roles(BAD))
            & self.moves.became.isin(self.with_roles(GOOD))
        ]

    def with_roles(self, roles: Iterable[str]) -> set[str]:
        """The segments of any of the roles."""
        return {name for role in roles for name in self.segment_table.with_role(role)}

    def name(self, segment: str) -> str:
        """The name of a segment, or of being none yet or no longer."""
        if segment == NEW:
            return say("Not yet a customer")
        if segment == GONE:
            return say("No purchase in the period")
        return self.segment_table.name(segment)

    @property
    def headline(self) -> str:
        """How many fell out of good segments, what they are worth, and how many came back."""
        if self.empty:
            return say("No purchases up to {day}.", day=day(self.as_of))
        return say(
            "Since {day}, {n} customers worth {value} fell out of the good segments, {back} worth "
            "{worth} came back into them, and {new} are new.",
            day=day(self.previous),
            n=number(self.fallen.customers.sum()),
            value=money(self.fallen.value.sum(), short=True),
            back=number(self.risen.customers.sum()),
            worth=money(self.risen.value.sum(), short=True),
            new=number(self.new),
        )

    @property
    def definition(self) -> Definition:
        """Every decision behind the moves."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """The segments at both days; every move."""
        return words.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The matrix of moves; the share of each segment at both days."""
        return {"moves": lambda: charts.moves(self), "change": lambda: charts.change(self)}

    def _share(self, roles: Iterable[str], suffix: str = "") -> tuple[int, int]:
        """Customers in segments of these roles, and customers in all, at one of the days."""
        counts = self.segments[f"customers{suffix}"]
        return int(counts[self.segments.segment.isin(self.with_roles(roles))].sum()), int(
            counts.sum()
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Customers, share in good segments, fallen and their value, returned, new."""
        if self.empty:
            return ()
        good, n = self._share(GOOD)
        good_before, n_before = self._share(GOOD, "_before")
        low, high = wilson(good, n)
        return (
            KeyFigure(
                name="customers",
                label=say("Customers who bought"),
                value=n,
                previous=n_before or None,
            ),
            KeyFigure(
                name="good_share",
                label=say("Customers in good segments"),
                value=good / n if n else None,
                previous=good_before / n_before if n_before else None,
                kind="rate",
                low=float(low) if n else None,
                high=float(high) if n else None,
            ),
            KeyFigure(
                name="fallen_customers",
                label=say("Fell out of good segments"),
                value=int(self.fallen.customers.sum()),
                better="down",
            ),
            KeyFigure(
                name="fallen_value",
                label=say("What those who fell had spent"),
                value=float(self.fallen.value.sum()),
                kind="money",
                better="down",
            ),
            KeyFigure(
                name="risen_customers",
                label=say("Came back into good segments"),
                value=int(self.risen.customers.sum()),
            ),
            KeyFigure(name="new_customers", label=say("New customers"), value=self.new),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The largest moves out of good segments, those who came back, and the new."""
        whole = float(self.moves.value.sum()) or 1.0
        fallen: Iterable[Any] = self.fallen.itertuples()
        found = [
            Finding(
                words=say(
                    "{n} customers who have spent {value} went from {was} to {became}.",
                    n=number(row.customers),
                    value=money(row.value if row.became != GONE else row.value_before, short=True),
                    was=self.name(row.was),
                    became=self.name(row.became),
                ),
                action=self.segment_table.action(row.became),
                weight=3 * float(max(row.value, row.value_before)) / whole,
            )
            for row in fallen
        ]
        risen = self.risen
        if len(risen):
            back = Finding(
                words=say(
                    "{n} customers who have spent {value} came back into good segments.",
                    n=number(risen.customers.sum()),
                    value=money(risen.value.sum(), short=True),
                ),
                action=say("Find out what brought them back, and do more of it."),
                weight=float(risen.value.sum()) / whole,
            )
            found.append(back)
        if self.new:
            spent = float(self.moves.value[self.moves.was == NEW].sum())
            fresh = Finding(
                words=say(
                    "{n} new customers since {day}, who have spent {value}.",
                    n=number(self.new),
                    day=day(self.previous),
                    value=money(spent, short=True),
                ),
                action=say("Welcome them, and make the second purchase easy."),
                weight=spent / whole,
            )
            found.append(fresh)
        return tuple(sorted(found, key=lambda finding: -finding.weight))

    def actions(self, *, limit: int | None = LIMIT) -> ActionList:
        """The customers who fell out of good segments, why and what to do, most valuable first.

        The customers are asked from the engine when this is called. Those with no purchase left in
        the `history` are not listed.

        Parameters: `limit`, how many customers, None for all.
        Returns: an ActionList; `crmkit.actions.write_actions` writes it as CSV and Excel.
        """
        good, bad = self.with_roles(GOOD), self.with_roles(BAD)
        were = {code: name for code, name in self.cells.items() if name in good}
        are = {code: name for code, name in self.cells.items() if name in bad}
        before = cell_or_none(self.people, self.limits, "_before")
        people = contacts.among(self.people.mutate(cell_before=before), "cell_before", were)
        people = people.mutate(cell=cell_or_none(people, self.limits, ""))
        rows = contacts.listed(people, are, limit)
        found = contacts.described(rows, self.profiles, self.as_of, self.timezone).execute()
        whole = int(self.fallen.customers[self.fallen.became != GONE].sum())
        return contacts.action_list(
            found,
            self.segment_table,
            {**were, **are},
            name="movement_fallen",
            title=say("Fell out of good segments since {day}", day=day(self.previous)),
            as_of=self.as_of,
            whole=whole,
        )

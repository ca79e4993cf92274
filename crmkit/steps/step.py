"""What a step is, and what must not happen between steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import ibis.expr.types as ir

from crmkit.activity import matching
from crmkit.errors import ParameterError, nearest

__all__ = ["Exclusion", "Step", "steps_of"]

First = Literal["", "ever", "matching"]
Mode = Literal["drop_user", "drop_attempt", "reset"]
MOST = 12


@dataclass(frozen=True, eq=False)
class Step:
    """One step: an event, a condition, both, or any event at all.

    Parameters: `event`, a value of the column `event`; None for any. `where`, a condition that the
    row must meet too, such as `ibis._.value > 100`. `label`, what readers see; by default the
    event. `optional`, whether the step may be left out. `first`, "ever": only the first time the
    unit did this event, looking before the range of days too; "matching": only the first time it
    did it with the condition met.
    Raises: ParameterError for a `first` that is none of these, or "ever" without an event.
    """

    event: str | None = None
    where: object = None
    label: str = ""
    optional: bool = False
    first: First = ""

    def __post_init__(self) -> None:
        if self.first not in ("", "ever", "matching"):
            raise ParameterError(f"first={self.first!r} is none of '', 'ever' and 'matching'.")
        if self.first == "ever" and self.event is None:
            raise ParameterError("A step that is the first time ever needs an event.")

    @property
    def name(self) -> str:
        """The label, or else the event; "*" for any event."""
        return self.label or self.event or "*"

    def holds(self, rows: ir.Table) -> ir.BooleanValue:
        """Which rows are this step, its being first aside; never null."""
        return _holds(rows, self.event, self.where)


@dataclass(frozen=True, eq=False)
class Exclusion:
    """An event that must not happen between two steps.

    Parameters: `event` and `where`, as of a step; `after` and `before`, the numbers of the steps
    that it lies between, by default the first and the last; `mode`: "reset", the attempt ends
    there and keeps the steps it made; "drop_attempt", the attempt counts for nothing, and the unit
    counts as far as another attempt got; "drop_user", the unit counts for nothing.
    Raises: ParameterError for another mode, steps out of order, or neither event nor condition.
    """

    event: str | None = None
    where: object = None
    after: int = 1
    before: int | None = None
    mode: Mode = "drop_attempt"

    def __post_init__(self) -> None:
        if self.mode not in ("drop_user", "drop_attempt", "reset"):
            raise ParameterError(
                f"mode={self.mode!r} is none of 'drop_user', 'drop_attempt' and 'reset'."
            )
        if self.event is None and self.where is None:
            raise ParameterError("An exclusion needs an event or a condition.")
        if self.after < 1 or (self.before is not None and self.before <= self.after):
            raise ParameterError(
                f"The exclusion lies after step {self.after} and before step {self.before}: "
                "give numbers of steps from 1, the second larger."
            )

    def holds(self, rows: ir.Table) -> ir.BooleanValue:
        """Which rows are the excluded event; never null."""
        return _holds(rows, self.event, self.where)

    def until(self, steps: int) -> int:
        """The number of the step it lies before."""
        return min(self.before or steps, steps)


def _holds(rows: ir.Table, event: str | None, where: object) -> ir.BooleanValue:
    wanted = [
        condition
        for condition in (matching(rows, event, name="event"), matching(rows, where, name="where"))
        if condition is not None
    ]
    if not wanted:
        return rows.event_id.notnull() | rows.event_id.isnull()
    return wanted[0] if len(wanted) == 1 else wanted[0] & wanted[1]


def steps_of(given: Sequence["str | Step"]) -> tuple[Step, ...]:
    """Steps from their names or as they are.

    Raises: ParameterError for no step, more than twelve, or a first step that is optional.

    >>> [step.name for step in steps_of(["view", Step("buy", optional=True)])]
    ['view', 'buy']
    """
    if isinstance(given, str) or not given:
        raise ParameterError(f"steps={given!r}: give a list of event names or steps.")
    if len(given) > MOST:
        raise ParameterError(f"There are {len(given)} steps; give up to {MOST}.")
    steps = tuple(Step(each) if isinstance(each, str) else each for each in given)
    if steps[0].optional:
        raise ParameterError("The first step cannot be optional: nobody would enter.")
    return steps


def unknown_events(steps: Sequence[Step], known: Sequence[str]) -> list[str]:
    """Steps whose event never happened, each with the nearest name that did."""
    return [
        f"{step.event} ({guess}?)" if (guess := nearest(step.event, known)) else step.event
        for step in steps
        if step.event is not None and step.event not in known
    ]

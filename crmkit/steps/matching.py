"""The decisions that make a funnel: order, window, re-entry, exclusions, unit, credit of values."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from crmkit.errors import ParameterError, nearest
from crmkit.steps.step import Exclusion, Step

__all__ = ["Matching"]

Order = Literal["ordered", "strict", "unordered"]
Reentry = Literal["latest", "first"]
ORDERS = ("ordered", "strict", "unordered")
REENTRIES = ("latest", "first")
CREDITS = ("first_touch", "last_touch", "step", "all_events")


@dataclass(frozen=True, kw_only=True, eq=False)
class Matching:
    """How events are matched with steps.

    Parameters: `order`, "ordered" (other events may lie between), "strict" (any event between
    breaks the attempt) or "unordered" (steps in any order inside one window); `window`, from the
    first step, elapsed time, its edge included; `reentry`, "latest" (a newer first step replaces
    the older; matching stops at the first full conversion) or "first" (only the first entry
    counts); `exclusions`; `unit`, "person", "session" or a column; `breakdown`, a column whose
    values are told apart; `credit`, whose value counts: "first_touch" and "last_touch" (that of
    the unit's first or last step event that has one, not after its finish), "step" (that at step
    `at_step`; a unit may count under two), "all_events" (each value is a stream of its own).
    Raises: ParameterError for a value that is none of these, a window of nothing, or a meeting of
    options that has no meaning.
    """

    order: Order = "ordered"
    window: dt.timedelta = dt.timedelta(days=14)
    reentry: Reentry = "latest"
    exclusions: Sequence[Exclusion] = ()
    unit: str = "person"
    breakdown: str | None = None
    credit: str = "first_touch"
    at_step: int = 1

    def __post_init__(self) -> None:
        for name, value, valid in (
            ("order", self.order, ORDERS),
            ("reentry", self.reentry, REENTRIES),
            ("credit", self.credit, CREDITS),
        ):
            if value not in valid:
                guess = nearest(str(value), valid)
                hint = f" Did you mean {guess!r}?" if guess else ""
                raise ParameterError(f"{name}={value!r} is none of: {', '.join(valid)}.{hint}")
        if self.window <= dt.timedelta(0) or self.window.microseconds:
            raise ParameterError(
                f"window={self.window} does not do; give whole seconds, more than none."
            )

    def fits(self, steps: Sequence[Step]) -> None:
        """Raise ParameterError where these steps and options have no meaning together."""
        if not 1 <= self.at_step <= len(steps):
            raise ParameterError(f"at_step={self.at_step}: there are {len(steps)} steps.")
        for exclusion in self.exclusions:
            if exclusion.after >= len(steps):
                raise ParameterError(
                    f"An exclusion lies after step {exclusion.after}; there are {len(steps)} steps."
                )
            same = [s.name for s in steps if s.event == exclusion.event and s.where is None]
            if exclusion.event and exclusion.where is None and same:
                raise ParameterError(
                    f"{exclusion.event!r} is a step and excluded: no attempt could pass it."
                )
        if self.order == "unordered":
            self._fits_unordered(steps)

    def _fits_unordered(self, steps: Sequence[Step]) -> None:
        if any(step.optional for step in steps):
            raise ParameterError("Steps in any order cannot be optional; leave such a step out.")
        if any(e.mode == "drop_attempt" for e in self.exclusions):
            raise ParameterError(
                "Steps in any order have no attempt that could be dropped: "
                'give exclusions with mode "reset" or "drop_user".'
            )
        if any(e.after != 1 or e.before is not None for e in self.exclusions):
            raise ParameterError("Steps in any order have no range that an exclusion could lie in.")
        if self.reentry != "latest":
            raise ParameterError('Steps in any order have no entry: leave reentry="latest".')

"""The decisions of a retention analysis, checked once."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import pandas as pd
from ibis import Deferred

from crmkit import periods
from crmkit.errors import ParameterError, nearest

__all__ = ["Clock", "Cohort", "Criterion", "Event", "Options", "checked"]

Criterion = Literal["on", "on_or_after", "brackets"]
Cohort = Literal["first", "first_ever", "recurring"]
Clock = Literal["calendar", "elapsed"]
Event: TypeAlias = str | Deferred | None

DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}
"""Length in days of 24 hours of a period on the elapsed clock."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Options:
    """What counts as a start, a return and a period; `checked` makes one."""

    as_of: dt.date
    timezone: str
    period: periods.Period
    criterion: Criterion
    brackets: tuple[tuple[int, int], ...]
    cohort: Cohort
    start: Event
    back: Event
    clock: Clock
    minimum: int
    breakdown: str | None
    since: dt.date | None
    until: dt.date | None
    same_period: bool
    periods: int | None

    @property
    def end(self) -> dt.datetime:
        """The UTC instant up to which rows count."""
        return periods.day_end(self.as_of, self.timezone)

    @property
    def last(self) -> int:
        """The number of the period that `as_of` lies in."""
        return periods.number_of(self.as_of, self.period)

    @property
    def last_complete(self) -> int:
        """The number of the last period that is over at the end of `as_of`."""
        return periods.number_of(self.as_of + dt.timedelta(days=1), self.period) - 1

    @property
    def window(self) -> int:
        """Microseconds of a window of the elapsed clock."""
        return DAYS[self.period] * 86_400_000_000

    @property
    def plain(self) -> bool:
        """Whether counting each customer's periods is enough, without looking at instants."""
        given = (self.start, self.back, self.breakdown, self.since, self.until)
        return self.clock == "calendar" and not self.same_period and all(g is None for g in given)

    def windows(self, number: int) -> pd.DataFrame:
        """The windows of the criterion: period, through, and the offset that must be observed.

        `number` is how many periods the oldest cohort has begun.
        """
        if self.criterion == "brackets":
            pairs = [*self.brackets] if self.same_period else [(0, 0), *self.brackets]
        else:
            pairs = [(k, k) for k in range(max(number, 0))]
        if self.periods is not None:
            pairs = [pair for pair in pairs if pair[0] <= self.periods]
        frame = pd.DataFrame(pairs, columns=["period", "through"], dtype="int64")
        return frame.assign(needed=frame[self._needed])

    @property
    def _needed(self) -> str:
        """A calendar cell shows once its period begins, an elapsed one when its window is over."""
        return "period" if self.clock == "calendar" else "through"


def checked(
    *,
    as_of: periods.Day,
    timezone: str,
    period: str,
    criterion: str,
    brackets: Sequence[Sequence[int]] | None,
    cohort: str,
    start: Event,
    back: Event,
    clock: str,
    minimum: int,
    breakdown: str | None,
    since: periods.Day | None,
    until: periods.Day | None,
    same_period: bool,
    periods_shown: int | None,
) -> Options:
    """Options that make sense together.

    Raises: ParameterError saying what was given and what would do.
    """
    _one_of("criterion", criterion, Criterion)
    _one_of("cohort", cohort, Cohort)
    _one_of("clock", clock, Clock)
    _one_of("period", period, periods.Period)
    if (criterion == "brackets") != (brackets is not None):
        raise ParameterError(
            'brackets go with criterion="brackets": give them together, such as '
            'criterion="brackets", brackets=((1, 1), (2, 3), (4, 6)).'
        )
    if minimum < 1:
        raise ParameterError(f"minimum={minimum} occurrences: give 1 or more.")
    if periods_shown is not None and periods_shown < 1:
        raise ParameterError(f"periods={periods_shown}: give 1 or more, or None for all.")
    first = periods.day(since) if since is not None else None
    final = periods.day(until) if until is not None else None
    if first and final and first > final:
        raise ParameterError(f"since={first} lies after until={final}.")
    periods.zone(timezone)
    return Options(
        as_of=periods.day(as_of),
        timezone=timezone,
        period=period,  # type: ignore[arg-type]
        criterion=criterion,  # type: ignore[arg-type]
        brackets=_brackets(brackets or (), 0 if same_period else 1),
        cohort=cohort,  # type: ignore[arg-type]
        start=start,
        back=back,
        clock=clock,  # type: ignore[arg-type]
        minimum=int(minimum),
        breakdown=breakdown,
        since=first,
        until=final,
        same_period=same_period,
        periods=periods_shown,
    )


def _one_of(name: str, given: str, choices: object) -> None:
    valid = get_args(choices)
    if given not in valid:
        guess = nearest(given, valid)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(
            f"{name}={given!r} is not known.{hint} Give one of: {', '.join(valid)}."
        )


def _brackets(given: Sequence[Sequence[int]], least: int) -> tuple[tuple[int, int], ...]:
    before = least - 1
    kept = []
    for pair in given:
        if len(pair) != 2 or not before < pair[0] <= pair[1]:
            raise ParameterError(
                f"brackets={tuple(given)!r}: each is (first, last) period, from {least} on, "
                "ascending, none overlapping, such as ((1, 1), (2, 3), (4, 6))."
            )
        before = pair[1]
        kept.append((int(pair[0]), int(pair[1])))
    return tuple(kept)

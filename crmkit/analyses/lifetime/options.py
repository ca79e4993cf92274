"""The decisions of a lifetime analysis, checked once."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args

from crmkit import periods
from crmkit.errors import ParameterError, nearest

__all__ = ["Options", "Unit", "checked"]

Unit = Literal["day", "week"]
LONGEST_HOLDOUT = 39
"""Weeks held out where nothing is said, if a third of what was seen is longer."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What counts as a purchase, how far to look ahead, and what is held out; times in weeks."""

    as_of: dt.date
    timezone: str
    unit: Unit
    horizon: int
    discount: float
    margin: float
    holdout: int | None

    @property
    def last_day(self) -> dt.date:
        """The last day that counts: `as_of`; by weeks the last day of the last whole week."""
        if self.unit == "day":
            return self.as_of
        after = periods.number_of(self.as_of + dt.timedelta(days=1), "week")
        return periods.period_start(after, "week") - dt.timedelta(days=1)

    @property
    def last(self) -> int:
        """The number of the last day or week that counts."""
        return periods.number_of(self.last_day, self.unit)

    @property
    def end(self) -> dt.datetime:
        """The UTC instant up to which rows count."""
        return periods.day_end(self.last_day, self.timezone)

    @property
    def week(self) -> int:
        """Units of time in a week."""
        return 7 if self.unit == "day" else 1


def checked(
    *,
    as_of: periods.Day,
    timezone: str,
    unit: str,
    horizon: int,
    discount: float,
    margin: float,
    holdout: int | None,
) -> Options:
    """The decisions, or a ParameterError that says which one cannot be."""
    units = get_args(Unit)
    if unit not in units:
        guess = nearest(str(unit), units)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"unit={unit!r} is not known.{hint} Give one of: {', '.join(units)}.")
    if isinstance(horizon, bool) or not isinstance(horizon, int) or not 1 <= horizon <= 1040:
        raise ParameterError(f"horizon={horizon!r}: give whole weeks from 1 to 1040.")
    if not 0 <= discount < 10:
        raise ParameterError(f"discount={discount!r}: give a yearly rate such as 0.10.")
    if not 0 < margin <= 1:
        raise ParameterError(f"margin={margin!r}: give a share above 0, up to 1.")
    if holdout is not None and (
        isinstance(holdout, bool) or not isinstance(holdout, int) or holdout < 0
    ):
        raise ParameterError(
            f"holdout={holdout!r}: give whole weeks, 0 for none, or None for a third of the data."
        )
    periods.zone(timezone)
    return Options(
        as_of=periods.day(as_of),
        timezone=timezone,
        unit="day" if unit == "day" else "week",
        horizon=horizon,
        discount=float(discount),
        margin=float(margin),
        holdout=holdout,
    )

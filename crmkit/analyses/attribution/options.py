"""The decisions of an attribution, checked once."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from crmkit import periods
from crmkit.errors import ParameterError, nearest

Transform = Literal["exposure", "first", "frequency", "unique"]
Game = Literal["rate", "conversions"]

TOP = 40
"""Most values of `by` that are told apart: one bit each in the set of a path."""
MICROSECONDS = 86_400_000_000
"""Of a day; elapsed time is counted in microseconds."""
_EPOCH = dt.datetime(1970, 1, 1)
_HALVINGS = 1000
"""A touch's weight is two to minus as many at least; beyond, it could not be told from none."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The arguments of `attribution`, checked."""

    as_of: dt.date
    start: dt.date | None
    timezone: str
    by: str
    lookback: float
    transform: Transform
    half_life: float
    order: int
    game: Game
    value: str | None
    direct: tuple[str, ...] | None
    open_paths: bool
    top: int

    @classmethod
    def of(
        cls,
        *,
        as_of: periods.Day,
        start: periods.Day | None,
        timezone: str,
        by: str,
        lookback: float,
        transform: str,
        half_life: float,
        order: int,
        game: str,
        value: str | None,
        direct: Sequence[str] | None,
        open_paths: bool,
        top: int,
    ) -> "Options":
        """Options from arguments. Raises: ParameterError where they cannot be."""
        last, first = periods.day(as_of), None if start is None else periods.day(start)
        periods.zone(timezone)
        if first is not None and first > last:
            raise ParameterError(f"start={first} lies after as_of={last}.")
        if isinstance(direct, str):
            raise ParameterError(f"direct={direct!r} is a word. Give a list: [{direct!r}].")
        _positive("lookback", lookback)
        _positive("half_life", half_life)
        if lookback / half_life > _HALVINGS:
            raise ParameterError(
                f"half_life={half_life} days is too short for lookback={lookback} days: "
                f"give at least {lookback / _HALVINGS:g}."
            )
        _whole("order", order, 1, 4)
        _whole("top", top, 1, TOP)
        return cls(
            as_of=last,
            start=first,
            timezone=timezone,
            by=by,
            lookback=float(lookback),
            transform=_one_of("transform", transform, get_args(Transform)),  # type: ignore[arg-type]
            half_life=float(half_life),
            order=order,
            game=_one_of("game", game, get_args(Game)),  # type: ignore[arg-type]
            value=value,
            direct=None if direct is None else tuple(direct),
            open_paths=bool(open_paths),
            top=top,
        )

    def other(self, *, lookback: float | None = None, transform: str | None = None) -> "Options":
        """The same with another lookback or transform. Raises: ParameterError as `of`."""
        return Options.of(
            **{
                **vars(self),
                "lookback": self.lookback if lookback is None else lookback,
                "transform": self.transform if transform is None else transform,
            }
        )

    @property
    def end(self) -> dt.datetime:
        """The UTC instant at which the last day is over."""
        return periods.day_end(self.as_of, self.timezone)

    @property
    def begin(self) -> dt.datetime | None:
        """The UTC instant at which the first day begins, where one is given."""
        return None if self.start is None else periods.day_start(self.start, self.timezone)

    @property
    def window(self) -> int:
        """The lookback in microseconds."""
        return round(self.lookback * MICROSECONDS)


def microseconds(instant: dt.datetime) -> int:
    """A UTC instant as microseconds since 1970."""
    return (instant - _EPOCH) // dt.timedelta(microseconds=1)


def _positive(name: str, value: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise ParameterError(f"{name}={value!r} is not a number of days above 0.")


def _whole(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ParameterError(f"{name}={value!r}. Give a whole number from {low} to {high}.")


def _one_of(name: str, value: str, valid: tuple[str, ...]) -> str:
    if value not in valid:
        guess = nearest(value, valid)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"{name}={value!r} is unknown.{hint} Give one of: {', '.join(valid)}.")
    return value

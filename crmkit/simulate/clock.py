"""Business time: a clock that runs fast when a firm is busy and slowly when it is quiet.

A process in business time, read on the calendar, keeps its law and gets weekdays, opening hours
and seasons. Over the whole period both clocks show the same length, so nothing is added or lost.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmkit import periods
from crmkit.errors import ParameterError
from crmkit.simulate.world import World

__all__ = ["WEEK", "Clock", "Span", "acquisition_clock", "business_clock"]

WEEK = 7 * 86_400
"""Seconds in a week, the unit of time of every process here."""

Floats = npt.NDArray[np.float64]
Seconds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Span:
    """The whole period of a world, from local midnight to local midnight, hour by hour."""

    world: World

    @cached_property
    def start(self) -> dt.datetime:
        """The first instant, UTC."""
        return periods.day_start(self.world.start, self.world.timezone)

    @cached_property
    def seconds(self) -> int:
        """The length in seconds of elapsed time."""
        end = periods.day_end(self.world.last, self.world.timezone)
        return int((end - self.start).total_seconds())

    @property
    def weeks(self) -> float:
        """The length in weeks."""
        return self.seconds / WEEK

    @cached_property
    def local_hours(self) -> list[dt.datetime]:
        """The wall-clock time at the beginning of each hour of elapsed time."""
        place = periods.zone(self.world.timezone)
        first = self.start.replace(tzinfo=dt.UTC)
        hours = -(-self.seconds // 3600)
        return [(first + dt.timedelta(hours=n)).astimezone(place) for n in range(hours)]

    @cached_property
    def edges(self) -> Floats:
        """The ends of the hours, in weeks since the start."""
        hours = np.append(np.arange(len(self.local_hours)) * 3600, self.seconds)
        return hours / WEEK

    def second_of(self, day: dt.date) -> int:
        """The beginning of a local day, in seconds since the start."""
        return int((periods.day_start(day, self.world.timezone) - self.start).total_seconds())

    def within(self, weeks: Floats, first: dt.date, last: dt.date) -> npt.NDArray[np.bool_]:
        """Which moments lie on local days from first to last, both included."""
        end = self.second_of(last + dt.timedelta(days=1))
        return (weeks >= self.second_of(first) / WEEK) & (weeks < end / WEEK)

    def whole_seconds(self, weeks: Floats) -> Seconds:
        """Weeks since the start as whole seconds, inside the period."""
        seconds = np.floor(weeks * WEEK).astype(np.int64)
        return np.clip(seconds, 0, self.seconds - 1)

    def local(self, seconds: Seconds) -> npt.NDArray[np.datetime64]:
        """Seconds since the start as wall-clock time."""
        zone_shifts = [at.utcoffset() for at in self.local_hours]
        shifts = np.array(zone_shifts, dtype="timedelta64[s]")
        local: npt.NDArray[np.datetime64] = np.datetime64(self.start, "s") + (
            seconds.astype("timedelta64[s]") + shifts[seconds // 3600]
        )
        return local

    def instants(self, seconds: Seconds) -> npt.NDArray[np.datetime64]:
        """Seconds since the start as UTC instants of microseconds."""
        return np.datetime64(self.start, "us") + seconds.astype("timedelta64[s]")


@dataclass(frozen=True)
class Clock:
    """Two readings of the same moments, in weeks since the start: calendar and business time."""

    on_calendar: Floats
    in_business: Floats

    def calendar(self, business: Floats) -> Floats:
        """The calendar time at which so much business time is spent."""
        return np.interp(business, self.in_business, self.on_calendar)

    def business(self, calendar: Floats) -> Floats:
        """The business time spent by a calendar time."""
        return np.interp(calendar, self.on_calendar, self.in_business)


def business_clock(span: Span) -> Clock:
    """The clock that customers buy by: weekdays, hours and seasons, or the plain calendar."""
    return _clock(span, _busy(span))


def acquisition_clock(span: Span) -> Clock:
    """The clock that customers arrive by: the same, with growth and promotions."""
    world = span.world
    growth = world.growth ** (span.edges[:-1] * 7 / 365.25)
    promotions = [(p.first, p.last, p.acquisition) for p in world.promotions]
    return _clock(span, _busy(span) * growth * _factors(span, promotions))


def _busy(span: Span) -> Floats:
    world = span.world
    if not world.calendar:
        return np.ones(len(span.local_hours))
    weekdays = np.array([world.weekdays[at.weekday()] for at in span.local_hours])
    hours = np.array([world.hours[at.hour] for at in span.local_hours])
    seasons = _factors(span, [(s.first, s.last, s.factor) for s in world.seasons])
    return np.asarray(weekdays * hours * seasons)


def _factors(span: Span, windows: list[tuple[dt.date, dt.date, float]]) -> Floats:
    """The product of the factors of all windows that each hour lies in."""
    days = np.array([at.date().toordinal() for at in span.local_hours])
    factors = np.ones(len(days))
    for first, last, factor in windows:
        factors[(days >= first.toordinal()) & (days <= last.toordinal())] *= factor
    return factors


def _clock(span: Span, speed: Floats) -> Clock:
    spent = np.concatenate([[0.0], np.cumsum(speed * np.diff(span.edges))])
    if spent[-1] <= 0:
        world = span.world
        raise ParameterError(
            f"The firm is never open from {world.start} to {world.last}: every hour has weight 0. "
            "Change weekdays, hours or seasons, give more days, or set calendar=False."
        )
    return Clock(span.edges, spent / spent[-1] * span.weeks)

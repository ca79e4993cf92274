"""The days of a floor in milliseconds since the first local midnight: hours, windows, rosters."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmkit import periods
from crmkit.simulate.dialer.crew import Crew
from crmkit.simulate.floor import Floor, stream
from crmkit.simulate.floor_parts import Inbound, Shift, minutes

__all__ = ["Roster", "Times", "arrivals", "roster"]

Wholes = npt.NDArray[np.int64]

QUARTER = 900_000
_SPARE = 14 * 96  # quarters of an hour past the end, for calls that outlast it


@dataclass(frozen=True)
class Times:
    """A floor's days in milliseconds since the first midnight of its timezone."""

    floor: Floor

    @cached_property
    def start(self) -> dt.datetime:
        """The first instant, UTC."""
        return periods.day_start(self.floor.start, self.floor.timezone)

    @cached_property
    def end(self) -> int:
        """The last midnight."""
        return self.of(self.floor.last, 24 * 60)

    def of(self, day: dt.date, minute: int) -> int:
        """A local time of a day, in minutes after midnight; 1440 is the next midnight."""
        at = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minute)
        utc = at.replace(tzinfo=periods.zone(self.floor.timezone)).astimezone(dt.UTC)
        elapsed = utc.replace(tzinfo=None) - self.start
        return elapsed // dt.timedelta(milliseconds=1)

    @cached_property
    def local_minutes(self) -> Wholes:
        """Minutes after local midnight at the beginning of each quarter of an hour."""
        zone = periods.zone(self.floor.timezone)
        first = self.start.replace(tzinfo=dt.UTC)
        local = (
            (first + dt.timedelta(minutes=15 * k)).astimezone(zone)
            for k in range(-(-self.end // QUARTER) + _SPARE)
        )
        return np.array([at.hour * 60 + at.minute for at in local], dtype=np.int64)

    @cached_property
    def weekdays(self) -> Wholes:
        """The local weekday, 0 for Monday, at the beginning of each quarter of an hour."""
        midnights = [self.of(day, 0) for day in self.floor.dates]
        at = np.arange(len(self.local_minutes)) * QUARTER
        day = np.searchsorted(midnights, at, side="right") - 1
        return np.asarray((day + self.floor.start.weekday()) % 7)

    @cached_property
    def windows(self) -> list[int]:
        """When the calling window opens and closes, in turn."""
        window = self.floor.window
        first, last = minutes("first", window.first), minutes("last", window.last)
        return [
            self.of(day, minute)
            for day in self.floor.dates
            if self.floor.may_call(day)
            for minute in (first, last)
        ]

    def instants(self, ms: Wholes) -> npt.NDArray[np.datetime64]:
        """Milliseconds since the start as UTC instants of microseconds; below 0 is unknown."""
        made = np.datetime64(self.start, "us") + ms.astype("timedelta64[ms]")
        return np.where(ms < 0, np.datetime64("NaT"), made)


@dataclass(frozen=True)
class Roster:
    """What each agent is asked to do, and when: 0 go home, 1 work, 2 and up pause for a reason.

    `at` and `want` agent by agent; `first` and `end`, where each agent's entries lie; `reasons`.
    """

    at: list[int]
    want: list[int]
    first: list[int]
    end: list[int]
    reasons: tuple[str, ...]


def roster(floor: Floor, times: Times, crew: Crew) -> Roster:
    """The roster of all agents: shifts dealt by weight, breaks spread, days of absence left out.

    Nobody works before the first day as one of the crew.
    """
    shape = (floor.agents, floor.days)
    absent = stream(floor.seed, "absence").random(shape) < floor.absence
    most = max((len(shift.breaks) for shift in floor.shifts), default=0)
    spread = stream(floor.seed, "breaks").random((*shape, max(most, 1))) * floor.break_spread
    reasons = tuple(sorted({b.reason for shift in floor.shifts for b in shift.breaks}))
    made = Roster([], [], [], [], reasons)
    shifts = _dealt(floor)
    for agent in range(floor.agents):
        made.first.append(len(made.at))
        for number, day in enumerate(floor.dates):
            works = day.weekday() in shifts[agent].weekdays and day not in floor.window.holidays
            if works and not absent[agent, number] and number >= crew.joined[agent]:
                later = spread[agent, number].astype(int).tolist()
                for minute, want in _working_day(shifts[agent], later, reasons):
                    made.at.append(times.of(day, minute))
                    made.want.append(want)
        made.end.append(len(made.at))
    return made


def _dealt(floor: Floor) -> list[Shift]:
    """The shift of each agent: the one furthest behind its share, so that none is reshuffled."""
    total = sum(shift.share for shift in floor.shifts)
    given = [0] * len(floor.shifts)
    dealt = []
    for agent in range(floor.agents):
        behind = [
            s.share / total * (agent + 1) - g for s, g in zip(floor.shifts, given, strict=True)
        ]
        chosen = behind.index(max(behind))
        given[chosen] += 1
        dealt.append(floor.shifts[chosen])
    return dealt


def _working_day(shift: Shift, later: list[int], reasons: tuple[str, ...]) -> list[tuple[int, int]]:
    """Minutes of the day and what is asked; a break that would outlast the shift is left out."""
    at, end = minutes("", shift.start), minutes("", shift.end)
    entries = [(at, 1)]
    for rest, delay in zip(
        sorted(shift.breaks, key=lambda b: minutes("", b.start)), later, strict=False
    ):
        begins = max(minutes("", rest.start) + delay, at + 1)
        if begins + rest.minutes < end:
            entries.append((begins, 2 + reasons.index(rest.reason)))
            at = begins + rest.minutes
            entries.append((at, 1))
    return [*entries, (end, 0)]


def arrivals(seed: int, inbound: Inbound, times: Times) -> Wholes:
    """The instants at which callers come in: Poisson at the rate of each local hour and weekday."""
    rates = np.array(inbound.rates)[times.local_minutes // 60]
    rates = rates * np.array(inbound.weekdays)[times.weekdays]
    quarters = times.end // QUARTER
    rng = stream(seed, "arrivals")
    counts = rng.poisson(rates[:quarters] / 4)
    begins = np.repeat(np.arange(quarters) * QUARTER, counts)
    return np.sort(begins + (rng.random(len(begins)) * QUARTER).astype(np.int64))

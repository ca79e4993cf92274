"""Run every section of the telephone on its days."""

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.dialer.log import FloorLog
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.met import Met
from crmkit.simulate.telephone.crews import crew_of, places
from crmkit.simulate.telephone.lists import LOADED_AT, load
from crmkit.simulate.telephone.plans import Section

__all__ = ["Played", "play"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_NO_LIMIT = 1 << 22
_CALLED = 0.8  # of the customers known, at most so many are on the lists of a section
_LONGEST = 400  # days of a floor
_WORTH_COMPILING = 50_000  # leads


@dataclass(frozen=True)
class Played:
    """A section and what happened in it.

    `agents`, positions among the firm's; `start`, its first midnight in seconds since the start of
    the world; `aged`, the age of each number in days; `loaded`, when each lead was, in seconds
    since the start of the world.
    """

    name: str
    section: Section
    log: FloorLog
    agents: Wholes
    start: int
    aged: Floats
    loaded: Wholes

    def seconds(self, ms: Wholes) -> Wholes:
        """Milliseconds of the floor as seconds since the start of the world."""
        return self.start + ms // 1000

    @property
    def sales(self) -> Wholes:
        """The calls that sold, in their order."""
        return np.flatnonzero(self.log.calls.disposition == k.SALE)


def play(met: Met, with_phone: Flags) -> list[Played]:
    """Run every section that is open on some day; `with_phone`, customers whose number is known."""
    made = []
    for number, section in enumerate(met.world.telephone.sections):
        first, days = _days(met, section)
        floor = _floor(met, section, first, days, f"telephone {number}")
        if floor is not None:
            made.append(_played(met, section, floor, first, f"telephone {number}", with_phone))
    return made


def _days(met: Met, section: Section) -> tuple[int, int]:
    """The first day of a section, in days met, and how many there are."""
    all_days = (met.world.last - met.world.met_from).days + 1
    last = all_days if section.days is None else min(all_days, section.first + section.days)
    first = section.first
    if met.world.telephone.days is not None:
        first = max(first, all_days - met.world.telephone.days)
    return first, min(max(last - first, 0), _LONGEST)


def _floor(met: Met, section: Section, first: int, days: int, name: str) -> Floor | None:
    """The section's floor on its days; None where it is never open."""
    world, given = met.world, section.floor
    start = world.met_from + dt.timedelta(days=first)
    agents = len(places(world, section.group))
    holidays = tuple(
        day
        for day in (start + dt.timedelta(days=n) for n in range(days))
        if any(s.first <= day <= s.last and s.factor < 1 for s in world.seasons)
    )
    window = replace(given.window, holidays=holidays)
    opens = any(
        day.weekday() in window.weekdays
        and day not in holidays
        and any(day.weekday() in shift.weekdays for shift in given.shifts)
        for day in (start + dt.timedelta(days=n) for n in range(days))
    )
    if not opens:
        return None
    inbound = given.inbound
    if inbound is not None and inbound.agents is not None:
        inbound = replace(inbound, agents=agents)
    return replace(
        given,
        agents=agents,
        inbound=inbound,
        start=start,
        days=days,
        timezone=world.timezone,
        window=window,
        seed=int(world.stream(name).integers(1 << 62)),
    )


def _played(
    met: Met, section: Section, floor: Floor, first: int, name: str, with_phone: Flags
) -> Played:
    start = met.span.second_of(floor.start)
    midnights = np.array([met.span.second_of(day) for day in floor.dates])
    most = np.full(floor.days, _NO_LIMIT)
    if section.known:
        known = np.sort(_arrived(met)[with_phone])
        most = np.floor(_CALLED * np.searchsorted(known, midnights)).astype(np.int64)
    leads = load(met.world, section, floor, name, most)
    engine = "auto" if len(leads.batch) > _WORTH_COMPILING else "python"
    log = dial(floor, leads.batch, crew=crew_of(met.world, section.group, first), engine=engine)
    opened = np.array([log.times.of(day, LOADED_AT) for day in floor.dates]) // 1000
    return Played(
        name=name,
        section=section,
        log=log,
        agents=places(met.world, section.group),
        start=start,
        aged=leads.aged,
        loaded=start + opened[leads.batch.first_day],
    )


def _arrived(met: Met) -> Wholes:
    """When each customer bought first, in seconds."""
    return met.seconds(met.people.arrived)

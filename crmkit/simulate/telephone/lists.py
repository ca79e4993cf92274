"""The lists of a section: numbers loaded a part each working day, ageing until then."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crmkit.simulate.dialer.leads import NUMBER_STATES, LeadBatch
from crmkit.simulate.floor import Floor
from crmkit.simulate.telephone.plans import CallList, Section
from crmkit.simulate.world import World

__all__ = ["LOADED_AT", "Loaded", "load"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

_EMPTY = NUMBER_STATES.index("empty")
_SUSPENDED = NUMBER_STATES.index("suspended")
LOADED_AT = 8 * 60 + 30
"""When the lists of a day are loaded, in minutes after midnight."""


@dataclass(frozen=True)
class Loaded:
    """The leads of a section as the dialler meets them, and `aged`, how many days old each is."""

    batch: LeadBatch
    aged: Floats


def load(world: World, section: Section, floor: Floor, name: str, most: Wholes) -> Loaded:
    """The leads of a section, in the order in which they are loaded.

    A number's readiness to answer is the floor's times that of its list, halved every half-life of
    its age; what falls out of use with age is an empty number.
    Parameters: `floor`, the section's with its days; `name`, of the random stream; `most`, how many
    leads there may be by the end of each day.
    """
    lists = [(c, one) for c, campaign in enumerate(section.campaigns) for one in campaign.lists]
    days = _working_days(floor)
    per_day = section.daily * world.customers / 1000 if lists else 0.0
    rng = world.stream(f"lists of {name}")
    day = np.repeat(days, _a_day(per_day, most[days]))
    which = _lists_of([one for _, one in lists], day, rng.random(len(day)))
    day, which = day[which >= 0], which[which >= 0]
    batch = LeadBatch.draw(
        floor, len(day), lists=1, interest=section.interest, do_not_call=section.do_not_call
    )
    if not lists:
        ids = tuple(campaign.id for campaign in section.campaigns)
        return Loaded(replace(batch, campaigns=ids), np.zeros(0))
    return _aged(batch, lists, day, which, rng.random(len(day)), section)


def _a_day(wanted: float, most: Wholes) -> Wholes:
    """How many leads are loaded on each working day: the wanted number, as far as there are any."""
    counts, loaded = [], 0
    for number, limit in enumerate(most.tolist(), start=1):
        counts.append(
            max(min(int(wanted * number) - int(wanted * (number - 1)), limit - loaded), 0)
        )
        loaded += counts[-1]
    return np.array(counts, dtype=np.int64)


def _working_days(floor: Floor) -> Wholes:
    weekdays = {day for shift in floor.shifts for day in shift.weekdays}
    return np.array(
        [
            n
            for n, day in enumerate(floor.dates)
            if floor.may_call(day) and day.weekday() in weekdays
        ],
        dtype=np.int64,
    )


def _lists_of(lists: list[CallList], day: Wholes, chance: Floats) -> Wholes:
    """The list of each lead, by the shares of those that are being loaded; -1 where none is."""
    if not lists:
        return np.full(len(day), -1)
    first = np.array([one.first for one in lists])
    last = np.array([one.first + one.days if one.days is not None else 1 << 30 for one in lists])
    shares = np.array([one.share for one in lists])
    active = ((day[:, None] >= first) & (day[:, None] < last)) * shares
    total = active.sum(axis=1)
    edges = np.cumsum(active, axis=1)
    chosen = np.minimum((edges <= (chance * total)[:, None]).sum(axis=1), len(lists) - 1)
    return np.where(total > 0, chosen, -1)


def _aged(
    batch: LeadBatch,
    lists: list[tuple[int, CallList]],
    day: Wholes,
    which: Wholes,
    chance: Floats,
    section: Section,
) -> Loaded:
    plans = [one for _, one in lists]
    aged = np.array([one.age - one.first for one in plans], dtype=np.float64)[which] + day
    fresh = 0.5 ** (aged / np.array([one.half_life for one in plans])[which])
    dead = chance < 1 - (1 - np.array([one.dying for one in plans])[which]) ** (aged / 100)
    state = np.where(dead & (batch.number_state != _SUSPENDED), _EMPTY, batch.number_state)
    reach = batch.reach * np.array([one.reach for one in plans])[which] * fresh
    interest = batch.interest * np.array([one.interest for one in plans])[which]
    return Loaded(
        replace(
            batch,
            reach=np.where(state >= _SUSPENDED, 0.0, np.minimum(reach, 0.95)),
            interest=np.minimum(interest, 1.0),
            number_state=state,
            list_of=which,
            campaign_of=np.array([c for c, _ in lists])[which],
            voice=np.array([one.voice for one in plans])[which],
            lists=tuple(one.name for one in plans),
            campaigns=tuple(campaign.id for campaign in section.campaigns),
            loaded=day,
        ),
        aged,
    )

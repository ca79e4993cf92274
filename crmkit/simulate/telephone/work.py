"""All that was done by telephone: the floor, its sales, the desk's calls, calls handed on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmkit.simulate.leads import Leads
from crmkit.simulate.met import Met
from crmkit.simulate.prospects import Steps, draw_steps
from crmkit.simulate.telephone.desk import DeskCalls, draw_desk_calls
from crmkit.simulate.telephone.desk_days import DeskDays, draw_desk_days
from crmkit.simulate.telephone.floors import Played, play
from crmkit.simulate.telephone.sales import Sales, draw_sales
from crmkit.simulate.telephone.transfers import Transfers, draw_transfers

__all__ = ["FloorWork", "PhoneWork", "draw_floor", "draw_phone_work"]

Wholes = npt.NDArray[np.int64]

_FIRST_NUMBER = 1_000_000  # of leads of the floor, above those of the desk


@dataclass(frozen=True)
class FloorWork:
    """What the floor did, drawn before the desk: `played`, its sections, and `sales`."""

    met: Met
    played: list[Played]
    sales: Sales

    @cached_property
    def lead_numbers(self) -> list[Wholes]:
        """The numbers of each section's leads, in the firm's one numbering."""
        counts = [len(one.log.leads) for one in self.played]
        before = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return [
            _FIRST_NUMBER + first + np.arange(count)
            for first, count in zip(before, counts, strict=False)
        ]


@dataclass(frozen=True)
class PhoneWork:
    """The floor's work and the desk's: `leads` and their `steps`, calls, days, transfers."""

    floor: FloorWork
    leads: Leads
    steps: Steps
    desk: DeskCalls
    days: DeskDays
    transfers: Transfers

    @property
    def met(self) -> Met:
        """The days met."""
        return self.floor.met


def draw_floor(met: Met, with_phone: npt.NDArray[np.bool_]) -> FloorWork:
    """Run the floor and tie its sales; `with_phone`, customers whose number is known."""
    played = play(met, with_phone)
    return FloorWork(met, played, draw_sales(met, played, with_phone))


def draw_phone_work(floor: FloorWork, leads: Leads) -> PhoneWork:
    """The calls of the desk on its leads, and those that the floor hands on to it."""
    met = floor.met
    steps = draw_steps(met, leads)
    desk = draw_desk_calls(met, leads, steps)
    days = draw_desk_days(met, desk)
    transfers = draw_transfers(met, floor.played, desk, days)
    return PhoneWork(floor, leads, steps, desk, days, transfers)

"""The desk's hours: working time spent by a moment, and the moment at which it is spent."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmkit.simulate.met import Met

__all__ = ["WorkTime"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

_SUNDAY = 6


@dataclass(frozen=True)
class WorkTime:
    """Working hours of the desk: Monday to Saturday but for quiet seasons."""

    met: Met

    @cached_property
    def open(self) -> npt.NDArray[np.bool_]:
        """Whether the desk works in each hour of elapsed time."""
        world = self.met.world
        quiet = [(s.first, s.last) for s in world.seasons if s.factor < 1]
        return np.array(
            [
                at.weekday() != _SUNDAY
                and world.desk.opens <= at.hour < world.desk.closes
                and not any(first <= at.date() <= last for first, last in quiet)
                for at in self.met.span.local_hours
            ],
            dtype=bool,
        )

    @cached_property
    def _edges(self) -> Floats:
        hours = len(self.open)
        return np.append(np.arange(hours) * 3600.0, self.met.span.seconds)

    @cached_property
    def _spent(self) -> Floats:
        return np.concatenate([[0.0], np.cumsum(np.diff(self._edges) / 3600 * self.open)])

    @property
    def total(self) -> float:
        """Working hours of the whole period."""
        return float(self._spent[-1])

    def hours(self, seconds: npt.NDArray[np.generic]) -> Floats:
        """Working hours spent by those seconds since the start."""
        return np.asarray(np.interp(seconds.astype(float), self._edges, self._spent))

    def seconds(self, hours: Floats) -> Floats:
        """The seconds at which so many working hours are spent; beyond the end for too many."""
        at = np.searchsorted(self._spent, hours, side="right") - 1
        at = np.clip(at, 0, len(self.open) - 1)
        inside = self._edges[at] + (hours - self._spent[at]) * 3600
        return np.where(
            hours < self.total, inside, self.met.span.seconds + (hours - self.total) * 3600
        )

    def closed_before(self, seconds: Floats) -> tuple[Floats, Floats]:
        """The closed time right before the working day of those moments: from and until."""
        opens = np.flatnonzero(self.open & ~np.append(False, self.open[:-1]))
        closes = np.flatnonzero(~self.open & np.append(False, self.open[:-1]))
        starts = self._edges[opens]
        ends = np.append(0.0, self._edges[closes])
        which = np.clip(np.searchsorted(starts, seconds, side="right") - 1, 0, len(starts) - 1)
        until = np.minimum(starts[which], seconds)
        before = ends[np.searchsorted(ends, until, side="right") - 1]
        return before, until

"""How many of something go on at once, by slots of time: exact integrals and peaks in one pass.

Each interval is +1 where it begins and -1 where it ends. Summed by slot, that gives the level at
the start of every slot; within a slot the running sum gives the peak, and the sum of each change
times the time left gives the integral. Slots are independent, so nothing is sorted as a whole.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit import periods
from crmkit.errors import ParameterError

__all__ = ["Slots"]

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Slots:
    """Slots of `minutes` from one UTC instant to another, the first at a local midnight."""

    begin: dt.datetime
    end: dt.datetime
    minutes: int
    timezone: str

    @classmethod
    def of(
        cls, first: dt.date, last: dt.date, *, minutes: int = 30, timezone: str = "UTC"
    ) -> "Slots":
        """The slots of whole local days.

        Raises: ParameterError for minutes that do not divide half an hour or an hour.
        """
        if minutes not in (5, 10, 15, 30, 60):
            raise ParameterError(f"interval is {minutes!r} minutes. Give 5, 10, 15, 30 or 60.")
        return cls(
            begin=periods.day_start(first, timezone),
            end=periods.day_end(last, timezone),
            minutes=minutes,
            timezone=timezone,
        )

    @property
    def length(self) -> int:
        """Microseconds of a slot."""
        return self.minutes * 60 * _MICROSECONDS

    @property
    def count(self) -> int:
        """How many slots; a day of 23 or 25 hours has fewer or more."""
        return -(-int((self.end - self.begin) / dt.timedelta(microseconds=1)) // self.length)

    def events(self, spans: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
        """Where intervals begin (+1) and end (-1), by slot.

        Parameters: `spans`, with timestamps `began` and `over`, both known, and the columns `by`;
        what lies outside is clipped.
        Returns: by, at (microseconds since the first slot), slot, change. An end belongs to the
        slot of its last microsecond, so that nothing goes over at a boundary.
        """
        first, last = ibis.literal(self.begin), ibis.literal(self.end)
        held = spans.filter(
            (spans.over > spans.began) & (spans.over > first) & (spans.began < last)
        )
        began = ibis.greatest(held.began, first).delta(first, unit="microsecond").cast("int64")
        over = ibis.least(held.over, last).delta(first, unit="microsecond").cast("int64")
        up, down = (ibis.literal(change, type="int64") for change in (1, -1))
        begins = held.select(*by, at=began, slot=self._slot(began), change=up)
        ends = held.select(*by, at=over, slot=self._slot(over - 1), change=down)
        return ibis.union(begins, ends)

    def _slot(self, at: ir.IntegerValue) -> ir.IntegerValue:
        return (at // self.length).cast("int64")

    def sums(self, spans: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
        """Changes summed by slot: net, and area (change times microseconds left in the slot)."""
        events = self.events(spans, by=by)
        left = (events.slot + 1) * self.length - events["at"]
        return events.group_by(*by, "slot").aggregate(
            net=events.change.sum().cast("int64"), area=(events.change * left).sum().cast("int64")
        )

    def busy(self, answer: pd.DataFrame) -> pd.DataFrame:
        """Every slot with the microseconds that went on in it, from the `sums` of one group.

        Returns: at (local time of the slot's beginning), busy.
        """
        asked = answer.set_index(answer.slot.astype("int64"))
        every = range(self.count)
        net = asked.net.astype("int64").reindex(every, fill_value=0).to_numpy()
        area = asked.area.astype("int64").reindex(every, fill_value=0).to_numpy()
        start = np.concatenate([[0], np.cumsum(net)[:-1]])
        return pd.DataFrame({"at": self.local(), "busy": start * self.length + area})

    def levels(self, spans: ir.Table) -> ir.Table:
        """How long each level lasted, by slot, counted from the level at the slot's beginning.

        Returns: slot, level, lasted (microseconds), net (changes up to that level, summed).
        """
        events = self.events(spans)
        firsts = events.select("slot").distinct()
        zero = ibis.literal(0, type="int64")
        begin = firsts.select(at=firsts.slot * self.length, slot=firsts.slot, change=zero)
        events = ibis.union(events, begin)
        # equal rows are alike, and rows of one instant last nothing but for the last of them
        order = [events["at"], events.change]
        running = ibis.cumulative_window(group_by=events.slot, order_by=order)
        following = ibis.window(group_by=events.slot, order_by=order)
        end = (events.slot + 1) * self.length
        stepped = events.mutate(
            level=events.change.sum().over(running).cast("int64"),
            lasted=events["at"].lead().over(following).coalesce(end) - events["at"],
        )
        return stepped.group_by("slot", "level").aggregate(
            lasted=stepped.lasted.sum().cast("int64"), net=stepped.change.sum().cast("int64")
        )

    def lasting(self, answer: pd.DataFrame) -> pd.DataFrame:
        """How many went on at once for how long, in every slot, from the answer of `levels`.

        Returns: slot, level (how many at once), lasted (microseconds, above 0).
        """
        found = answer[["slot", "level", "lasted", "net"]].astype("int64")
        every = range(self.count)
        net = found.groupby("slot").net.sum().reindex(every, fill_value=0).to_numpy()
        start = np.concatenate([[0], np.cumsum(net)[:-1]])
        quiet = sorted(set(every) - set(found.slot))
        still = pd.DataFrame({"slot": quiet, "level": start[quiet], "lasted": self.length})
        found = found.assign(level=found.level + start[found.slot.to_numpy()])
        both = pd.concat([found[["slot", "level", "lasted"]], still], ignore_index=True)
        both = both[both.lasted > 0].astype("int64")
        return both.sort_values(["slot", "level"], ignore_index=True)

    def local(self) -> npt.NDArray[np.datetime64]:
        """The local time at which each slot begins."""
        first, later = periods.transitions(self.timezone)
        begin = np.datetime64(self.begin, "s")
        at = begin + np.arange(self.count) * np.timedelta64(self.minutes * 60, "s")
        offsets = np.full(len(at), first)
        for instant, offset in later:
            offsets[at >= np.datetime64(instant, "s")] = offset
        local: npt.NDArray[np.datetime64] = at + offsets.astype("timedelta64[s]")
        return local

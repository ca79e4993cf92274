"""Random numbers by the block, and the rows that a run leaves behind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crmkit.simulate.dialer.build import Arrays, milliseconds
from crmkit.simulate.dialer.desk import Desk
from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.floor import Floor, stream
from crmkit.simulate.floor_parts import Duration

__all__ = ["ROWS", "Block", "Rows", "count", "put"]

_FOR_EVER = 1 << 40
_LARGEST = 65_536
ROWS = {"call_rows": ("rows", 4), "note_rows": ("notes", 6), "turn_rows": ("turns", 3)}
"""What is written: its counter, and how many numbers a row has."""


def count(f: Desk, name: str) -> int:
    """A counter of a desk of either engine."""
    counts: Any = f.counts[0]
    return int(getattr(counts, name) if isinstance(f, Desk) else counts[name])


def put(f: Desk, name: str, value: int) -> None:
    """Set a counter of a desk of either engine."""
    counts: Any = f.counts
    if isinstance(f, Desk):
        setattr(counts[0], name, value)
    else:
        counts[name] = value


@dataclass(frozen=True)
class Block:
    """The streams of a run: how long a block is, and how each is drawn.

    `room` is how much of a block may be used before it is drawn anew; the rest is a margin for what
    64 events may use at most.
    """

    room: int
    size: int
    draws: dict[str, dict[str, Callable[[], npt.NDArray[np.generic]]]]

    @classmethod
    def of(cls, floor: Floor, leads: LeadBatch, callers: int, seed: int) -> "Block":
        """The streams of a floor, sized by how much there is to do."""
        room = min(max(2 * (len(leads) + callers), 1024), _LARGEST)
        size = room + 4 * (floor.trunks + floor.agents) + 1024

        def uniform(name: str) -> Callable[[], npt.NDArray[np.generic]]:
            rng = stream(seed, name)
            return lambda: rng.random(size)

        def length(name: str, of: Duration) -> Callable[[], npt.NDArray[np.generic]]:
            rng = stream(seed, name)
            return lambda: milliseconds(of.draw(rng, size))

        def patience() -> npt.NDArray[np.generic]:
            return np.full(size, _FOR_EVER)

        gaps = stream(seed, "dial gaps")
        listen = floor.voice.talk if floor.voice else Duration.constant(1.0)
        return cls(
            room,
            size,
            {
                "dial": {"u": uniform("answers"), "ring": length("ring", floor.ring)},
                "answered": {
                    "v": uniform("machine detection"),
                    "patience": length("patience", floor.patience) if floor.patience else patience,
                    "message": length("message", listen),
                },
                "talks": {
                    "talk": length("talk", floor.talk),
                    "wrap": length("wrap", floor.wrap),
                    "delay": length("callback delay", floor.callback_delay),
                    "w": uniform("outcomes"),
                },
                "looks": {"look": length("preview", floor.preview)},
                "gaps": {"gap": lambda: gaps.standard_exponential(size)},
            },
        )

    def begin(self, made: Arrays) -> None:
        """Add the first block of every stream, and empty rows."""
        made["counts"]["room"] = self.room
        for streams in self.draws.values():
            made.update({name: draw() for name, draw in streams.items()})
        for name, (_, width) in ROWS.items():
            made[name] = np.zeros(self.size * width, dtype=np.int64)

    def refill(self, f: Desk) -> None:
        """Draw anew what is more than half used."""
        for counter, streams in self.draws.items():
            if count(f, counter) > self.room // 2:
                put(f, counter, 0)
                for name, draw in streams.items():
                    block = draw()
                    held = getattr(f, name)
                    held[:] = block.tolist() if isinstance(held, list) else block


class Rows:
    """The rows written so far: calls, what answered calls add, and agents' states."""

    def __init__(self) -> None:
        self._parts: dict[str, list[npt.NDArray[np.int64]]] = {name: [] for name in ROWS}

    def take(self, f: Desk) -> None:
        """Take the rows out of the desk."""
        for name, (counter, width) in ROWS.items():
            written = np.frombuffer(getattr(f, name), dtype=np.int64)
            rows = written[: count(f, counter) * width].copy()
            self._parts[name].append(rows.reshape(-1, width))
            put(f, counter, 0)

    def columns(self, name: str) -> tuple[npt.NDArray[np.int64], ...]:
        """The columns of what was written."""
        rows = np.concatenate(self._parts[name])
        return tuple(np.ascontiguousarray(rows[:, column]) for column in range(rows.shape[1]))

"""Ends a notebook that takes too long, or too much memory."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

__all__ = ["USUAL", "Guard", "Limits"]

_EVERY = 0.25
"""Seconds between two looks: an import of a library takes longer."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What each notebook may take: `seconds`, and `megabytes` of its processes together."""

    seconds: float = 900.0
    megabytes: float | None = None


USUAL = Limits()


class Guard:
    """Looks at a process and all it started until it is told to stop; a context manager.

    `broken` says which limit was passed, in words; empty while none is.
    """

    def __init__(self, process: int, limits: Limits, end: Callable[[], None]) -> None:
        self.broken = ""
        self._process = process
        self._limits = limits
        self._end = end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Guard":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        until = time.monotonic() + self._limits.seconds
        while not self._over.wait(max(0.0, min(_EVERY, until - time.monotonic()))):
            if time.monotonic() >= until:
                self.broken = "timed out"
            elif self._limits.megabytes and _megabytes(self._process) > self._limits.megabytes:
                self.broken = "out of memory"
            if self.broken:
                self._end()
                return


def _megabytes(process: int) -> float:
    """What a process and those it started hold in memory; pages they share count for each."""
    held = 0
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(process)
        for each in (first, *first.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                held += each.memory_info().rss
    return held / 1e6

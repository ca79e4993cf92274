"""The desk as one structure that compiled code passes by reference. Imported only with numba."""

from collections import namedtuple
from dataclasses import fields
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba.experimental import structref

from crmkit.simulate.dialer.build import Arrays, records
from crmkit.simulate.dialer.desk import RECORDS, Desk

__all__ = ["Held"]


@structref.register
class DeskType(numba.types.StructRef):
    """The type of the structure."""


class DeskProxy(structref.StructRefProxy):
    """The structure as Python holds it."""


structref.define_boxing(DeskType, DeskProxy)  # type: ignore[no-untyped-call]


def _element(field: Any) -> Any:
    if field.name in RECORDS:
        return numba.from_dtype(records(RECORDS[field.name], 0).dtype)
    return numba.float64 if field.type == list[float] else numba.int64


TYPE = DeskType([(f.name, numba.types.Array(_element(f), 1, "C")) for f in fields(Desk)])  # type: ignore[no-untyped-call]


@numba.njit(cache=True)
def _empty():  # type: ignore[no-untyped-def]  # noqa: ANN202
    return structref.new(TYPE)  # type: ignore[call-arg]


@numba.njit(cache=True)
def _fill(f, a):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Let the structure refer to these arrays; compiled code knows attributes by name only."""
    f.counts = a.counts
    f.pools = a.pools
    f.heap = a.heap
    f.due = a.due
    f.due_voice = a.due_voice
    f.fresh = a.fresh
    f.free = a.free
    f.calls = a.calls
    f.agents = a.agents
    f.leads = a.leads
    f.callers = a.callers
    f.causes = a.causes
    f.hour_factor = a.hour_factor
    f.hour = a.hour
    f.clock = a.clock
    f.window_at = a.window_at
    f.retry_limit = a.retry_limit
    f.retry_after = a.retry_after
    f.load = a.load
    f.skill = a.skill
    f.roster_at = a.roster_at
    f.roster_want = a.roster_want
    f.u = a.u
    f.ring = a.ring
    f.v = a.v
    f.patience = a.patience
    f.message = a.message
    f.talk = a.talk
    f.wrap = a.wrap
    f.delay = a.delay
    f.w = a.w
    f.look = a.look
    f.gap = a.gap
    f.call_rows = a.call_rows
    f.note_rows = a.note_rows
    f.turn_rows = a.turn_rows


_Arrays = namedtuple("_Arrays", [f.name for f in fields(Desk)])  # type: ignore[misc]


class Held:
    """The desk's arrays by name, and `structure`, which refers to them."""

    def __init__(self, made: Arrays) -> None:
        for field in fields(Desk):
            setattr(self, field.name, _fit(made[field.name]))
        self.structure = _empty()
        self.refer()

    def refer(self) -> None:
        """Let the structure refer to the arrays as they are now."""
        _fill(self.structure, _Arrays(**{f.name: getattr(self, f.name) for f in fields(Desk)}))


def _fit(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array of a type the engine knows, never without an element."""
    if values.dtype.names is None:
        values = values.astype("f8" if values.dtype.kind == "f" else "i8")
    return values if len(values) else np.zeros(1, dtype=values.dtype)

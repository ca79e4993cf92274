"""Which shifts to fill: the least paid time that covers what every interval plans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.analyses.staffing.shifts import ShiftPattern

__all__ = ["Cover", "cover"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

_GAP, _NODES = 1e-4, 1000
"""The search ends this near the optimum, or after so many nodes: never by the clock, so that every
machine gives the same shifts."""
_PERSON = 0.1
"""An agent more counts like so many paid hours: of equal covers, the one with fewer people wins."""


@dataclass(frozen=True, kw_only=True)
class Cover:
    """A week of shifts: agents given each pattern, and agents there by weekday and interval.

    `proven`: no cover is better by more than a ten-thousandth.
    """

    agents: Wholes
    present: Floats
    paid_hours: float
    proven: bool


def cover(
    wanted: Wholes,
    patterns: Sequence[ShiftPattern],
    interval: int,
    *,
    headcount: int | None = None,
    seats: int | None = None,
) -> Cover:
    """The shifts that cover what is wanted with the least paid hours.

    An integer programme (HiGHS through `scipy.optimize.milp`). Where agents, seats or shifts do not
    reach, as few agent intervals as possible are left short, before paid hours are looked at.
    Parameters: `wanted`, agents by weekday and interval; `patterns`, the shifts there are;
    `headcount`, agents in all, and `seats`, agents at once, at most; None is no limit.

    >>> wanted = np.zeros((7, 24), dtype=int)
    >>> wanted[0, 9:13] = 2
    >>> wanted[0, 12] = 3
    >>> day = [ShiftPattern("a", "09:00", 4, (0,)), ShiftPattern("b", "12:00", 2, (0,))]
    >>> found = cover(wanted, day, 60)
    >>> found.agents.tolist(), found.paid_hours
    ([2, 1], 10.0)
    """
    shape = wanted.shape
    if not patterns or not wanted.any() or headcount == 0:
        return Cover(
            agents=np.zeros(len(patterns), dtype=np.int64),
            present=np.zeros(shape),
            paid_hours=0.0,
            proven=True,
        )
    covers = np.stack([pattern.coverage(interval).ravel() for pattern in patterns], axis=1)
    paid = np.array([pattern.paid_hours for pattern in patterns])
    solved, proven = _solved(wanted.ravel().astype(float), covers, paid, headcount, seats)
    agents = np.rint(solved[: len(patterns)]).astype(np.int64)
    return Cover(
        agents=agents,
        present=(covers @ agents).reshape(shape),
        paid_hours=float(paid @ agents),
        proven=proven,
    )


def _solved(
    wanted: Floats, covers: Floats, paid: Floats, headcount: int | None, seats: int | None
) -> tuple[Floats, bool]:
    """Agents by pattern, then what each wanted interval is short of."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415
    from scipy.sparse import csr_array, eye_array, hstack  # noqa: PLC0415

    rows = wanted > 0
    short = int(rows.sum())
    kinds = len(paid)
    rules = [LinearConstraint(hstack([csr_array(covers[rows]), eye_array(short)]), wanted[rows])]
    if headcount is not None:
        rules.append(
            LinearConstraint(np.append(np.ones(kinds), np.zeros(short))[None], 0, headcount)
        )
    if seats is not None:
        inside = np.hstack([covers, np.zeros((len(covers), short))])
        rules.append(LinearConstraint(inside[covers.any(axis=1)], -np.inf, seats))
    found = milp(
        np.append(paid + _PERSON, np.full(short, 2 * paid.max())),
        integrality=np.append(np.ones(kinds), np.zeros(short)),
        bounds=Bounds(0, np.append(np.full(kinds, np.inf), wanted[rows])),
        constraints=rules,
        options={"mip_rel_gap": _GAP, "node_limit": _NODES},
    )
    assert found.x is not None, found.message  # leaving everything short is always possible
    return np.asarray(found.x), found.status == 0

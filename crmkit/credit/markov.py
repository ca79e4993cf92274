"""What a chain of touches is worth, and what it would be worth without one of its channels.

A path is a walk over states from a start to one of two ends, converted or lost. Counted moves give
the probabilities; the expected reward of a walk solves a linear system, so nothing is simulated.
Removing a channel sends every walk that would reach it to the end "lost" (Anderl, Becker, von
Wangenheim and Schumann 2016, "Mapping the customer journey").
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["START", "Chain", "Worth", "chain_of_paths", "removal_effects", "worth"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

START = -1
"""The origin of the first move of a walk."""
_DENSE = 400
"""States up to which the system is solved by elimination; larger ones by fixed point to 1e-14."""
_STILL, _PATIENCE = 1e-15, 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """Counted moves of walks.

    Moves: `origin` (a state or START), `target` (a state) and `count`, one element each.
    States: `owner`, the channel (0, 1, ...) that each state belongs to; `converted` and `lost`, how
    many walks ended so after it; `reward`, what those walks brought, one column for each measure.
    """

    origin: Wholes
    target: Wholes
    count: Floats
    owner: Wholes
    converted: Floats
    lost: Floats
    reward: Floats

    @property
    def channels(self) -> int:
        """How many channels the states belong to."""
        return int(self.owner.max()) + 1 if len(self.owner) else 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Worth:
    """What the walks of a chain bring: `whole`, by measure; `without`, by channel and measure."""

    whole: Floats
    without: Floats


def chain_of_paths(
    paths: Iterable[tuple[Sequence[int], float, float, float]], *, order: int = 1
) -> Chain:
    """The chain of counted paths, whose states are the last `order` channels.

    Parameters: `paths`, each (channels in order, conversions, value, paths lost); `order`, 1 or
    more. Returns: a Chain whose rewards are conversions and value.

    >>> chain = chain_of_paths([((0, 1, 2), 1, 10.0, 0), ((0,), 0, 0.0, 1), ((1, 2), 0, 0.0, 1)])
    >>> removal_effects(worth(chain))[:, 0].tolist()
    [0.5, 1.0, 1.0]
    """
    states: dict[tuple[int, ...], int] = {}
    moves: dict[tuple[int, int], float] = {}
    ends: dict[int, list[float]] = {}
    for channels, conversions, value, lost in paths:
        here = START
        for place in range(len(channels)):
            state = tuple(channels[max(0, place + 1 - order) : place + 1])
            there = states.setdefault(state, len(states))
            moves[here, there] = moves.get((here, there), 0.0) + conversions + lost
            here = there
        if here != START:
            total = ends.setdefault(here, [0.0, 0.0, 0.0])
            for column, number in enumerate((conversions, value, lost)):
                total[column] += number
    sums = np.array([ends.get(k, [0.0, 0.0, 0.0]) for k in range(len(states))]).reshape(-1, 3)
    pairs = np.array(list(moves), dtype=np.int64).reshape(-1, 2)
    return Chain(
        origin=pairs[:, 0],
        target=pairs[:, 1],
        count=np.array(list(moves.values()), dtype=float),
        owner=np.array([state[-1] for state in states], dtype=np.int64),
        converted=sums[:, 0],
        lost=sums[:, 2],
        reward=sums[:, :2],
    )


def worth(chain: Chain) -> Worth:
    """The expected reward of all walks, and that without each channel.

    Only states that can be reached and can still convert are solved for: a closed circle that never
    ends is worth nothing, and the system that is left is never singular. No value is below 0.

    Returns: a Worth. Where every walk is counted to its end, `whole` is the sum of `reward`.
    """
    n, measures = chain.channels, chain.reward.shape[1]
    starts = chain.origin == START
    entries = np.bincount(
        chain.target[starts], weights=chain.count[starts], minlength=len(chain.owner)
    )
    step, pay = _probabilities(chain)
    live = _live(step, entries > 0, (chain.reward > 0).any(axis=1) | (chain.converted > 0))
    step, pay, entries, owner = step[live][:, live], pay[live], entries[live], chain.owner[live]
    if not live.any():
        return Worth(whole=np.zeros(measures), without=np.zeros((n, measures)))
    solve = _by_elimination if len(owner) <= _DENSE else _by_fixed_point
    values = solve(step, pay, owner, n)  # state, case (the whole, then without each), measure
    totals = np.maximum(np.einsum("s,scm->cm", entries, values), 0.0)
    return Worth(whole=totals[0], without=np.minimum(totals[1:], totals[0]))


def removal_effects(found: Worth) -> Floats:
    """The share of the reward that is lost without each channel, by channel and measure.

    They do not sum to 1: a walk needs every channel that it passes. nan where there is no reward.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        effects = 1.0 - found.without / found.whole
    return np.where(found.whole > 0, np.clip(effects, 0.0, 1.0), np.nan)


def _probabilities(chain: Chain) -> tuple[sparse.csr_array, Floats]:
    """The chance of each move, and the mean reward paid at the end after each state."""
    inner = chain.origin != START
    size = len(chain.owner)
    origin, target, count = chain.origin[inner], chain.target[inner], chain.count[inner]
    leaving = np.bincount(origin, weights=count, minlength=size) + chain.converted + chain.lost
    share = np.divide(1.0, leaving, out=np.zeros(size), where=leaving > 0)
    step = sparse.csr_array((count * share[origin], (origin, target)), shape=(size, size))
    step.eliminate_zeros()
    return step, chain.reward * share[:, None]


def _live(step: sparse.csr_array, first: Flags, last: Flags) -> Flags:
    """States that can be reached from the start and from which a conversion can be reached."""
    return _reached(step.T.tocsr(), first) & _reached(step, last)


def _reached(backwards: sparse.csr_array, seeds: Flags) -> Flags:
    """States from which one of the seeds is reached, the seeds among them."""
    found = seeds.copy()
    while True:
        more = found | (backwards @ found.astype(float) > 0)
        if (more == found).all():
            return found
        found = more


def _by_elimination(step: sparse.csr_array, pay: Floats, owner: Wholes, n: int) -> Floats:
    system = np.eye(len(owner)) - step.toarray()
    values = np.zeros((len(owner), n + 1, pay.shape[1]))
    values[:, 0] = np.linalg.solve(system, pay)
    for channel in range(n):
        rest = np.flatnonzero(owner != channel)
        if len(rest) == len(owner):
            values[:, channel + 1] = values[:, 0]
        elif len(rest):
            values[rest, channel + 1] = np.linalg.solve(system[np.ix_(rest, rest)], pay[rest])
    return values


def _by_fixed_point(step: sparse.csr_array, pay: Floats, owner: Wholes, n: int) -> Floats:
    """All cases at once: values of the next states, until they stand still."""
    size, measures = pay.shape
    stays = np.ones((size, n + 1))
    stays[np.arange(size), owner + 1] = 0.0
    mask = np.repeat(stays, measures, axis=1)
    paid = np.tile(pay, (1, n + 1)) * mask
    values = paid
    scale = np.maximum(np.abs(pay).max(axis=0), np.finfo(float).tiny)
    limit = _STILL * np.tile(scale, n + 1)
    for _ in range(_PATIENCE):
        following = paid + mask * (step @ values)
        still = bool((np.abs(following - values) <= limit + 1e-15 * following).all())
        values = following
        if still:
            found: Floats = values.reshape(size, n + 1, measures)
            return found
    return _by_elimination(step, pay, owner, n)

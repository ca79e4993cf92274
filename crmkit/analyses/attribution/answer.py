"""The one answer of the engine as arrays, by group of customers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from crmkit.analyses.attribution.counts import NONE, RULES, SCALE
from crmkit.analyses.attribution.steps import LEVELS
from crmkit.analyses.attribution.streams import UNIT
from crmkit.credit.markov import START

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

KEYS = list("abcde")


@dataclass(frozen=True, kw_only=True, eq=False)
class Moves:
    """Moves between the states of a Markov chain and their ends, by group of customers.

    `origin` and `target` of each move, `owner` of each state; `count` (group by move), `converted`,
    `value` and `lost` (group by state).
    """

    origin: Wholes
    target: Wholes
    owner: Wholes
    count: sparse.csr_array
    converted: sparse.csr_array
    value: sparse.csr_array
    lost: sparse.csr_array


@dataclass(frozen=True, kw_only=True, eq=False)
class Sets:
    """Paths by the set of their channels (bits), by group of customers."""

    masks: Wholes
    paths: sparse.csr_array
    converting: sparse.csr_array
    conversions: sparse.csr_array
    value: sparse.csr_array


@dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """What was counted of one way to make paths; money in the currency.

    `rules`: credit by group, channel, rule and measure (conversions, value); `alone`: conversions
    and value without a touch, by group and measure; `constant`: those of nobody known, which no
    group holds.
    """

    channels: int
    groups: int
    rules: Floats
    moves: Moves
    sets: Sets
    alone: Floats
    constant: Floats


def counts_of(answer: pd.DataFrame, channels: int, groups: Sequence[str], order: int) -> Counts:
    """The parts of the answer that the models need.

    Parameters: `groups`, the names of all groups of customers, those without any too.
    """
    parts = dict(list(answer.groupby("part")))
    part = {name: parts.get(name, answer.iloc[:0]) for name in _PARTS}
    place = {name: position for position, name in enumerate(groups)}
    rules = np.zeros((len(groups), channels, len(RULES), 2))
    credit = part["credit"]
    numbers = credit[[f"x{k}" for k in range(1, 2 * len(RULES) + 1)]].to_numpy(dtype=float)
    rules[_places(credit, place), credit.a.to_numpy()] = numbers.reshape(
        -1, 2, len(RULES)
    ).swapaxes(1, 2)
    alone = np.zeros((len(groups), 2))
    np.add.at(
        alone, _places(part["alone"], place), part["alone"][["x1", "x2"]].to_numpy(dtype=float)
    )
    return Counts(
        channels=channels,
        groups=len(groups),
        rules=rules / [SCALE, UNIT],
        moves=_moves(part["move"], place, order),
        sets=_sets(part["set"], place),
        alone=alone / [1, UNIT],
        constant=part["stranger"][["x1", "x2"]].sum().to_numpy(dtype=float) / [1, UNIT],
    )


_PARTS = ("credit", "move", "set", "alone", "stranger")


def _places(rows: pd.DataFrame, place: dict[str, int]) -> Wholes:
    return np.array([place[group] for group in rows.grp], dtype=np.int64)


def _matrix(
    rows: Wholes, columns: Wholes, values: pd.Series, shape: tuple[int, int]
) -> sparse.csr_array:
    found = sparse.csr_array((values.to_numpy(dtype=float), (rows, columns)), shape=shape)
    found.sum_duplicates()
    return found


def _moves(rows: pd.DataFrame, place: dict[str, int], order: int) -> Moves:
    """States are the last `order` codes; a row moves from the state before to its own."""
    codes = rows[KEYS].to_numpy(dtype=np.int64)
    here = np.concatenate([codes[:, 4:], codes[:, : order - 1]], axis=1)
    before = codes[:, :order]
    states, which = np.unique(here, axis=0, return_inverse=True)
    index = {tuple(state): position for position, state in enumerate(states.tolist())}
    origin_of = {
        state: START if state[0] == NONE else index[state]
        for state in map(tuple, np.unique(before, axis=0).tolist())
    }
    origin = np.array([origin_of[state] for state in map(tuple, before.tolist())], dtype=np.int64)
    target = which.reshape(-1).astype(np.int64)
    pairs, move = np.unique(np.stack([origin, target], axis=1), axis=0, return_inverse=True)
    group = _places(rows, place)
    by_state = (len(place), len(states))
    return Moves(
        origin=pairs[:, 0],
        target=pairs[:, 1],
        owner=states[:, 0] // LEVELS,
        count=_matrix(group, move.reshape(-1), rows.x1, (len(place), len(pairs))),
        converted=_matrix(group, target, rows.x2, by_state),
        value=_matrix(group, target, rows.x3 / UNIT, by_state),
        lost=_matrix(group, target, rows.x4, by_state),
    )


def _sets(rows: pd.DataFrame, place: dict[str, int]) -> Sets:
    masks, which = np.unique(rows.a.to_numpy(dtype=np.int64), return_inverse=True)
    group, shape = _places(rows, place), (len(place), len(masks))
    sums = [_matrix(group, which, column, shape) for column in (rows.x1, rows.x2, rows.x3)]
    value = _matrix(group, which, rows.x4 / UNIT, shape)
    return Sets(masks=masks, paths=sums[0], converting=sums[1], conversions=sums[2], value=value)

"""Shapley values: what each player adds, averaged over all orders of joining.

L. S. Shapley, "A value for n-person games" (1953). Games of up to 12 players are solved exactly;
larger ones by drawing orders, with the standard error said.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import factorial

import numpy as np
import numpy.typing as npt

__all__ = ["EXACT", "SetGame", "SetShares", "exact", "sampled", "set_game", "shares"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

EXACT = 12
"""Players up to which every coalition is looked at."""
_ORDERS = 500
"""Pairs of an order and its reverse that are drawn for a larger game."""
_CHUNK = 4_000_000


@cache
def _weights(players: int) -> Floats:
    """What the worth of each coalition counts for each player, coalitions as bits."""
    masks = np.arange(1 << players)
    sizes = np.array([int(mask).bit_count() for mask in masks])
    table = np.zeros((players, len(masks)))
    for player in range(players):
        inside = (masks >> player) & 1 == 1
        joined = [factorial(s - 1) * factorial(players - s) if s else 0 for s in sizes]
        alone = [factorial(s) * factorial(players - s - 1) if s < players else 0 for s in sizes]
        table[player] = np.where(inside, joined, [-number for number in alone])
    weights: Floats = table / factorial(players)
    return weights


def exact(worth: npt.ArrayLike) -> Floats:
    """The Shapley values of a game of n players, from the worth of its 2 ** n coalitions.

    Parameters: `worth`, in the last axis the coalitions: bit i of the position tells whether player
    i is in. Returns: in the last axis the players; they sum to the worth of all less that of none.

    >>> gloves = [0, 0, 0, 0, 0, 1, 1, 1]  # two left gloves (0, 1) and a right one (2)
    >>> exact(gloves).round(4).tolist()
    [0.1667, 0.1667, 0.6667]
    """
    values = np.asarray(worth, dtype=float)
    players = values.shape[-1].bit_length() - 1
    if values.shape[-1] != 1 << players:
        raise ValueError(f"{values.shape[-1]} coalitions are no power of two.")
    found: Floats = values @ _weights(players).T
    return found


def sampled(
    worth: Callable[[Wholes], Floats], players: int, rng: np.random.Generator, *, orders: int = 1000
) -> tuple[Floats, Floats]:
    """Shapley values from drawn orders of joining, each with its reverse.

    Parameters: `worth`, gives the worth of coalitions (bits); `players`, at most 62; `orders`, how
    many pairs. Returns: the values, which sum exactly as `exact`'s do, and their standard errors.

    >>> rng = np.random.default_rng(0)
    >>> values, errors = sampled(lambda sets: (sets > 3).astype(float) * (sets != 4), 3, rng)
    >>> bool((abs(values - [1 / 6, 1 / 6, 2 / 3]) < 4 * errors + 1e-12).all())
    True
    """
    drawn = np.argsort(rng.random((orders, players)), axis=1)
    added = [_added(worth, order, players) for order in (drawn, drawn[:, ::-1])]
    pairs = (added[0] + added[1]) / 2
    return pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / np.sqrt(orders)


def _added(worth: Callable[[Wholes], Floats], order: Wholes, players: int) -> Floats:
    """What each player adds in each order, by player."""
    bits = np.left_shift(np.int64(1), order)
    sets = np.concatenate([np.zeros((len(order), 1), np.int64), np.cumsum(bits, axis=1)], axis=1)
    gains = np.diff(worth(sets.ravel()).reshape(sets.shape), axis=1)
    by_player = np.empty_like(gains)
    np.put_along_axis(by_player, order, gains, axis=1)
    return by_player


@dataclass(frozen=True, kw_only=True, eq=False)
class SetGame:
    """Where the coalitions of many games of one worth are looked up.

    A game for each `sets` (bits), played by its own members; `plans` holds for games of a size the
    positions of their coalitions among `sets` (len(sets) where a coalition was never seen).
    """

    sets: Wholes
    players: int
    plans: tuple[tuple[Wholes, Wholes, Wholes], ...]
    drawn: tuple[tuple[int, Wholes, Wholes], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class SetShares:
    """The sum of the games: `values`, by player, and the standard `errors` of drawing orders."""

    values: Floats
    errors: Floats


def set_game(sets: npt.ArrayLike, players: int, *, seed: int = 0, largest: int = EXACT) -> SetGame:
    """Prepare the games that are played by the members of each set.

    Parameters: `sets`, distinct and ascending, bits of the members, at most 62 players; `largest`,
    members up to which a game is solved exactly.
    """
    masks = np.asarray(sets, dtype=np.int64)
    sizes = np.array([int(mask).bit_count() for mask in masks], dtype=np.int64)
    plans, drawn = [], []
    rng = np.random.default_rng(seed)
    for size in sorted(set(sizes.tolist()) - {0}):
        games = np.flatnonzero(sizes == size)
        members = np.array(
            [[p for p in range(players) if int(mask) >> p & 1] for mask in masks[games]]
        )
        if size > largest:
            for game, own in zip(games, members, strict=True):
                order = np.argsort(rng.random((_ORDERS, size)), axis=1)
                drawn.append((int(game), own, order))
            continue
        each = max(1, _CHUNK >> size)
        for begin in range(0, len(games), each):
            part = members[begin : begin + each]
            inside = (np.arange(1 << size)[:, None] >> np.arange(size)) & 1
            coalitions = np.left_shift(np.int64(1), part) @ inside.T
            plans.append((games[begin : begin + each], part, _found(masks, coalitions)))
    return SetGame(sets=masks, players=players, plans=tuple(plans), drawn=tuple(drawn))


def _found(masks: Wholes, coalitions: Wholes) -> Wholes:
    """Where each coalition stands among the sets; len(masks) where nowhere."""
    at = np.searchsorted(masks, coalitions)
    known = masks[np.minimum(at, len(masks) - 1)] == coalitions
    return np.where(known, at, len(masks))


def shares(game: SetGame, worth: Floats, times: Floats) -> SetShares:
    """The Shapley values of every game, summed by player.

    Parameters: `worth`, of each set, `times`, how often its game is played; each a number for each
    of `game.sets` in the last axis, and one case for each row.
    Returns: by case and player. The values of a case sum to that of worth x times.

    >>> game = set_game([1, 2, 3], 2)
    >>> found = shares(game, np.array([[0.1, 0.2, 0.5]]), np.array([[10, 0, 10]]))
    >>> found.values.round(9).tolist()
    [[3.0, 3.0]]
    """
    cases = len(worth)
    padded = np.concatenate([worth, np.zeros((cases, 1))], axis=1)
    values, variances = np.zeros((cases, game.players)), np.zeros((cases, game.players))
    for games, members, at in game.plans:
        each = max(1, _CHUNK // at.size)
        for begin in range(0, cases, each):
            rows = slice(begin, begin + each)
            own = padded[rows][:, at] @ _weights(members.shape[1]).T * times[rows][:, games, None]
            for player in range(game.players):
                values[rows, player] += (own * (members == player)).sum(axis=(1, 2))
    for played, members, order in game.drawn:
        for case in range(cases):
            mean, error = _drawn_game(game.sets, padded[case], members, order)
            values[case, members] += times[case, played] * mean
            variances[case, members] += (times[case, played] * error) ** 2
    return SetShares(values=values, errors=np.sqrt(variances))


def _drawn_game(
    masks: Wholes, worth: Floats, members: Wholes, order: Wholes
) -> tuple[Floats, Floats]:
    bits = np.left_shift(np.int64(1), members)

    def of(coalitions: Wholes) -> Floats:
        inside = (coalitions[:, None] >> np.arange(len(members))) & 1
        found: Floats = worth[_found(masks, inside @ bits)]
        return found

    added = [_added(of, each, len(members)) for each in (order, order[:, ::-1])]
    pairs = (added[0] + added[1]) / 2
    return pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / np.sqrt(len(order))

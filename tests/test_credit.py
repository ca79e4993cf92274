"""Chains, games and ranks against hand-made cases, published ones, and plain Python."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.credit import markov, ranks, shapley
from crmkit.credit.markov import START, Chain, chain_of_paths, removal_effects, worth

TOY = [((0, 1, 2), 1, 10.0, 0), ((0,), 0, 0.0, 1), ((1, 2), 0, 0.0, 1)]


def shares(effects):
    return effects / effects.sum(axis=0)


def test_the_chain_of_the_toy():
    """Paths c1 > c2 > c3 (converts), c1, c2 > c3: conversion 1/3, weights .2 .4 .4."""
    found = worth(chain_of_paths(TOY))
    assert found.whole[0] / 3 == pytest.approx(1 / 3, abs=1e-15)
    assert found.without[:, 0].tolist() == pytest.approx([0.5, 0, 0], abs=1e-15)
    effects = removal_effects(found)
    assert effects[:, 0].tolist() == pytest.approx([0.5, 1, 1])
    assert shares(effects)[:, 0].tolist() == pytest.approx([0.2, 0.4, 0.4], abs=1e-15)
    assert shares(effects)[:, 1].tolist() == pytest.approx([0.2, 0.4, 0.4], abs=1e-15)


def test_a_higher_order_sees_what_came_before():
    """c2 > c3 converts only after c1: a memory of three touches knows, one of two does not."""
    two, three = (removal_effects(worth(chain_of_paths(TOY, order=k)))[:, 0] for k in (2, 3))
    assert two.tolist() == pytest.approx([0.5, 1, 1])
    assert three.tolist() == pytest.approx([1, 1, 1])


def test_a_circle_that_never_ends_is_worth_nothing():
    """a <-> b can be entered and never left: the naive system is singular."""
    chain = Chain(
        origin=np.array([START, START, 0, 1]),
        target=np.array([0, 2, 1, 0]),
        count=np.array([1.0, 1.0, 1.0, 1.0]),
        owner=np.array([0, 1, 2]),
        converted=np.array([0.0, 0.0, 1.0]),
        lost=np.zeros(3),
        reward=np.array([[0.0], [0.0], [1.0]]),
    )
    found = worth(chain)
    assert found.whole.tolist() == [1.0]
    assert removal_effects(found)[:, 0].tolist() == [0.0, 0.0, 1.0]


def test_states_that_are_never_reached_earn_nothing():
    chain = Chain(
        origin=np.array([START, 1]),
        target=np.array([0, 0]),
        count=np.array([2.0, 5.0]),
        owner=np.array([0, 1]),
        converted=np.array([1.0, 3.0]),
        lost=np.array([1.0, 0.0]),
        reward=np.array([[1.0], [3.0]]),
    )
    assert removal_effects(worth(chain))[:, 0].tolist() == [1.0, 0.0]


def test_no_conversion_gives_no_effect():
    found = worth(chain_of_paths([((0, 1), 0, 0.0, 3)]))
    assert found.whole.tolist() == [0, 0]
    assert np.isnan(removal_effects(found)).all()
    assert worth(chain_of_paths([])).without.shape == (0, 2)


def brute_worth(paths, order, removed=None):
    """What a chain brings, by fractions and elimination; see the oracle of attribution."""
    states, moves, out, pays = {}, {}, {}, {}
    for channels, conversions, _, lost in paths:
        here = "start"
        for place in range(len(channels)):
            there = tuple(channels[max(0, place + 1 - order) : place + 1])
            states.setdefault(there, len(states))
            moves[here, there] = moves.get((here, there), 0) + conversions + lost
            out[here] = out.get(here, 0) + conversions + lost
            here = there
        out[here] = out.get(here, 0) + conversions + lost
        pays[here] = pays.get(here, 0) + conversions
    gone = {state for state in states if state[-1] == removed}
    names = ["start", *(state for state in states if state not in gone)]
    rows = []
    for name in names:
        row = [Fraction(int(name == other)) for other in names]
        for place, other in enumerate(names):
            if (name, other) in moves:
                row[place] -= Fraction(moves[name, other], out[name])
        rows.append(
            [*row, Fraction(pays.get(name, 0), out[name]) if out.get(name) else Fraction(0)]
        )
    for k in range(len(names)):
        pivot = next(r for r in range(k, len(names)) if rows[r][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for r in range(len(names)):
            if r != k and rows[r][k] != 0:
                rows[r] = [x - rows[r][k] * y for x, y in zip(rows[r], rows[k], strict=True)]
    return rows[0][-1] * out.get("start", 0)


PATHS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 3), min_size=1, max_size=6).map(tuple),
        st.integers(0, 3),
        st.sampled_from([0.0, 1.0, 7.5]),
        st.integers(0, 2),
    ).filter(lambda path: path[1] + path[3] > 0),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(paths=PATHS, order=st.integers(1, 4))
def test_chains_as_by_elimination_over_fractions(paths, order):
    found = worth(chain_of_paths(paths, order=order))
    assert found.whole[0] == pytest.approx(sum(path[1] for path in paths), abs=1e-9)
    assert found.whole[1] == pytest.approx(sum(path[2] for path in paths), abs=1e-9)
    for channel in range(found.without.shape[0]):
        wanted = float(brute_worth(paths, order, removed=channel))
        assert found.without[channel, 0] == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    size=st.integers(1, 6),
)
def test_any_chain_at_all_gives_no_negative_credit(data, size):
    """Moves that fit to no path: closed circles, states without exit, ends without entry."""
    places = st.integers(0, size - 1)
    moves = data.draw(
        st.lists(
            st.tuples(st.integers(START, size - 1), places, st.sampled_from([0, 1, 5, 1e9, 1e-9]))
        )
    )
    number = st.lists(st.sampled_from([0.0, 0.0, 1.0, 1e6]), min_size=size, max_size=size)
    converted, lost = np.array(data.draw(number)), np.array(data.draw(number))
    chain = Chain(
        origin=np.array([m[0] for m in moves], dtype=np.int64),
        target=np.array([m[1] for m in moves], dtype=np.int64),
        count=np.array([m[2] for m in moves], dtype=float),
        owner=np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))),
        converted=converted,
        lost=lost,
        reward=converted[:, None] * [1.0, 20.0],
    )
    found = worth(chain)
    effects = removal_effects(found)
    assert np.isfinite(found.whole).all()
    assert (found.whole >= 0).all()
    assert (found.without >= 0).all()
    known = effects[~np.isnan(effects)]
    assert ((known >= 0) & (known <= 1)).all()


def test_large_chains_are_solved_to_the_same_value(monkeypatch):
    rng = np.random.default_rng(3)
    paths = [
        (tuple(rng.integers(0, 5, rng.integers(1, 40))), int(rng.integers(0, 3)), 2.5, 1)
        for _ in range(120)
    ]
    chain = chain_of_paths(paths, order=2)
    dense = worth(chain)
    monkeypatch.setattr(markov, "_DENSE", 0)
    sparse = worth(chain)
    assert np.allclose(dense.without, sparse.without, rtol=1e-11, atol=1e-11)
    assert np.allclose(dense.whole, sparse.whole, rtol=1e-11)
    monkeypatch.setattr(markov, "_PATIENCE", 3)  # too few steps: by elimination after all
    assert np.allclose(dense.without, worth(chain).without, rtol=1e-11, atol=1e-11)


def test_the_glove_game():
    """Players 0 and 1 own a left glove, player 2 a right one; only a pair is worth 1."""
    pairs = [float(mask >> 2 & 1 and mask & 3 != 0) for mask in range(8)]
    assert shapley.exact(pairs).tolist() == pytest.approx([1 / 6, 1 / 6, 2 / 3], abs=1e-15)


def airport(needs):
    """The runway that each plane needs costs 8, 11, 13, 18; a set pays for its longest."""
    masks = range(1 << len(needs))
    return [max((c for k, c in enumerate(needs) if mask >> k & 1), default=0) for mask in masks]


def test_the_airport_game():
    """Each length of runway is shared by those who need it (Littlechild and Owen 1973)."""
    assert shapley.exact(airport([8, 11, 13, 18])).tolist() == pytest.approx([2, 3, 4, 9])


def by_orders(values, players):
    """Shapley values as the mean over all orders."""
    sums = np.zeros(players)
    orders = list(itertools.permutations(range(players)))
    for order in orders:
        mask = 0
        for player in order:
            sums[player] += values[mask | 1 << player] - values[mask]
            mask |= 1 << player
    return sums / len(orders)


def test_games_as_by_all_orders():
    rng = np.random.default_rng(0)
    for players in range(1, 7):
        values = np.concatenate([[0], rng.normal(size=(1 << players) - 1)])
        found = shapley.exact(values)
        assert np.allclose(found, by_orders(values, players), atol=1e-12)
        assert found.sum() == pytest.approx(values[-1])


def test_twelve_players():
    """A game whose values are known: each coalition is worth the square of its weight."""
    weights = np.arange(1.0, 13)
    masks = np.arange(1 << 12)
    totals = ((masks[:, None] >> np.arange(12)) & 1) @ weights
    assert np.allclose(shapley.exact(totals**2), weights * weights.sum())


def test_a_size_that_is_no_game():
    with pytest.raises(ValueError, match="power of two"):
        shapley.exact([0, 1, 2])


def test_sampled_values_lie_within_their_errors():
    weights = np.arange(1.0, 21)

    def squares(sets):
        return (((sets[:, None] >> np.arange(20)) & 1) @ weights) ** 2

    values, errors = shapley.sampled(squares, 20, np.random.default_rng(1), orders=400)
    assert values.sum() == pytest.approx(weights.sum() ** 2)
    off = np.abs(values - weights * weights.sum()) / np.maximum(errors, 1e-9)
    assert (off < 4).all()
    values, errors = shapley.sampled(lambda s: s.astype(float) ** 0.5, 20, np.random.default_rng(1))
    assert (errors[:-1] > 0).all()


def random_sets(rng, players, n):
    return np.unique(rng.integers(1, 1 << players, n))


def test_games_of_sets_as_one_game_at_a_time():
    rng = np.random.default_rng(2)
    masks = random_sets(rng, 6, 25)
    worth_of, times = rng.random((3, len(masks))), rng.integers(0, 9, (3, len(masks))).astype(float)
    found = shapley.shares(shapley.set_game(masks, 6), worth_of, times)
    for case in range(3):
        known = dict(zip(masks.tolist(), worth_of[case], strict=True))
        wanted = np.zeros(6)
        for mask, n in zip(masks.tolist(), times[case], strict=True):
            inner = [known.get(sub & mask, 0.0) if sub & mask else 0.0 for sub in range(64)]
            wanted += n * shapley.exact(inner)
        assert np.allclose(found.values[case], wanted)
    assert np.allclose(found.values.sum(axis=1), (worth_of * times).sum(axis=1))
    assert (found.errors == 0).all()


def test_large_games_of_sets_are_drawn_with_a_stated_error():
    rng = np.random.default_rng(4)
    masks = random_sets(rng, 8, 200)
    worth_of, times = rng.random((1, len(masks))), np.ones((1, len(masks)))
    exactly = shapley.shares(shapley.set_game(masks, 8), worth_of, times)
    drawn = shapley.shares(shapley.set_game(masks, 8, largest=3), worth_of, times)
    assert (drawn.errors > 0).all()
    assert (np.abs(drawn.values - exactly.values) < 4 * drawn.errors).all()
    assert drawn.values.sum() == pytest.approx(exactly.values.sum())


def test_a_path_of_fourteen_channels_is_drawn():
    masks = np.array([1, 1 << 13, (1 << 14) - 1])
    found = shapley.shares(
        shapley.set_game(masks, 14), np.array([[0.5, 0.1, 0.9]]), np.array([[0.0, 0.0, 10.0]])
    )
    assert found.values.sum() == pytest.approx(9.0)
    assert found.errors[0, 0] > 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_tau_as_scipy_has_it(pairs):
    from scipy.stats import kendalltau

    x, y = zip(*pairs, strict=True)
    found = ranks.kendall(x, y)
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(kendalltau(x, y).statistic)

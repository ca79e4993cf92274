"""Comparing many rates: against closed forms, independent sums, and planted truths."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from crmkit.shrinkage import (
    funnel_limits,
    identical,
    ninth_over_first,
    overdispersion,
    shrink,
)


def floor(rng, agents=100, sd=0.0, rate=0.03, mean=350.0, spread=0.4):
    """Cases, true rates and successes of a floor; the numbers of cases differ as on real floors."""
    n = np.maximum(rng.lognormal(np.log(mean) - spread**2 / 2, spread, agents), 1).astype(int)
    true = expit(logit(rate) + sd * rng.standard_normal(agents))
    return n, true, rng.binomial(n, true)


def test_posterior_is_that_of_an_independent_sum():
    """The same model by scipy's betabinom and beta on a finer grid."""
    x, n = np.array([30, 10, 12, 8, 20]), np.array([100, 80, 100, 90, 150])
    m = x.sum() / n.sum()
    spreads = np.geomspace(0.004, 1.6, 1601)
    k = np.maximum(1 / (m * (1 - m) * spreads**2) - 1, 1e-3)
    log = sum(stats.betabinom.logpmf(a, b, m * k, (1 - m) * k) for a, b in zip(x, n, strict=True))
    log += stats.halfnorm.logpdf(spreads, scale=0.5) + np.log(spreads)
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    found = shrink(x, n, seed=3, draws=20_000)
    for unit in range(5):
        a, b = m * k + x[unit], (1 - m) * k + n[unit] - x[unit]
        assert found.ratio[unit] * m == pytest.approx(weights @ (a / (a + b)), rel=2e-3)
        assert found.above[unit] == pytest.approx(weights @ stats.beta.sf(m, a, b), abs=0.015)
        below = weights @ stats.beta.cdf(found.low[unit] * m, a, b)
        above = weights @ stats.beta.sf(found.high[unit] * m, a, b)
        assert (below, above) == (pytest.approx(0.025, abs=0.006),) * 2
    assert found.spread == pytest.approx(weights @ spreads, rel=0.01)


def test_expected_successes_shift_the_centre():
    """An agent with half the expected successes is at half, whatever the raw rates."""
    found = shrink([50, 100], [1000, 1000], [100.0, 50.0], seed=1)
    assert found.above_chance
    assert found.ratio == pytest.approx([0.5, 2.0], rel=0.12)
    equal = shrink([50, 100], [1000, 1000], [50.0, 100.0], seed=1)
    assert not equal.above_chance
    assert equal.ratio.tolist() == [1.0, 1.0]


def test_where_chance_suffices_estimates_are_the_mean_and_intervals_are_not():
    found = shrink([9, 10, 11, 10], [300] * 4, seed=1)
    assert found.ratio.tolist() == [1.0] * 4
    assert (found.low < 0.95).all()
    assert (found.high > 1.05).all()
    assert not found.above_chance


@pytest.mark.parametrize(
    ("x", "n"), [([3], [10]), ([0, 0], [10, 20]), ([10, 20], [10, 20]), ([], [])]
)
def test_nothing_to_compare(x, n):
    found = shrink(x, n, seed=1)
    assert found.ratio.tolist() == [1.0] * len(x)
    assert np.isnan(found.low).all()
    assert np.isnan(found.p_value)
    assert not found.above_chance


def test_ties_have_equal_estimates():
    found = shrink([20, 20, 5, 5], [100] * 4, seed=1, draws=20_000)
    assert found.ratio[0] == pytest.approx(found.ratio[1], rel=1e-9)
    assert found.above[0] == pytest.approx(found.above[1], abs=0.02)
    assert found.top.sum() == pytest.approx(1.0)  # one of four is the best tenth
    assert found.rank_low.tolist() == [1, 1, 3, 3]
    assert found.rank_high.tolist() == [2, 2, 4, 4]


def test_the_test_keeps_its_level_and_the_placebo_names_nobody():
    """200 floors of identical agents: 5 % refused, and a stand-out hardly ever."""
    rng = np.random.default_rng(20250301)
    refused = claimed = 0
    for seed in range(200):
        n, _, x = floor(rng, agents=60)
        found = shrink(x, n, seed=seed, draws=1000)
        refused += found.above_chance
        surely = (found.above >= 0.95) | (found.above <= 0.05)
        claimed += bool(found.above_chance and surely.any())
    assert 2 <= refused <= 20  # 10 are expected; 4 standard deviations
    assert claimed <= 10  # in 95 % of floors nobody is named


@pytest.mark.parametrize("sd", [0.1, 0.3, 0.6])
def test_intervals_cover_planted_rates(sd):
    """6,000 agents: 95 % intervals cover 93 to 97 %, and shrinking beats raw rates."""
    rng = np.random.default_rng(int(1000 * sd))
    covered, errors, raw = [], [], []
    for seed in range(60):
        n, true, x = floor(rng, sd=sd)
        mean = x.sum() / n.sum()
        found = shrink(x, n, seed=seed, draws=2000)
        covered.append((found.low * mean <= true) & (true <= found.high * mean))
        errors.append((found.ratio * mean - true) ** 2)
        raw.append((x / n - true) ** 2)
    assert 0.925 <= np.mean(covered) <= 0.97
    assert np.mean(errors) < np.mean(raw)


def test_the_published_errors_of_raw_and_shrunken_rates():
    """Logit SD .30 around 3 %, about 350 cases each: .0066 against .0102."""
    rng = np.random.default_rng(12)
    squares = []
    for seed in range(80):
        n, true, x = floor(rng, sd=0.3, spread=0.42)
        found = shrink(x, n, seed=seed, draws=500)
        mean = x.sum() / n.sum()
        squares.append([np.mean((found.ratio * mean - true) ** 2), np.mean((x / n - true) ** 2)])
    shrunken, raw = np.sqrt(np.mean(squares, axis=0))
    assert shrunken == pytest.approx(0.0066, abs=0.0003)
    assert raw == pytest.approx(0.0102, abs=0.0004)


def test_the_placebo_is_that_of_an_independent_simulation():
    """100 identical agents at 3 %: 1.84 with 350 cases each, 2.0 where the cases differ."""
    rng = np.random.default_rng(5)
    rates = (rng.random((600, 100, 350)) < 0.03).mean(axis=2)
    found = identical([350] * 100, 0.03, seed=1)
    best = rates.max(axis=1) / rates.mean(axis=1)
    assert found.best.mean() == pytest.approx(best.mean(), abs=0.03)
    deciles = np.quantile(rates, 0.9, axis=1) / np.quantile(rates, 0.1, axis=1)
    assert found.range.mean() == pytest.approx(deciles.mean(), abs=0.06)
    assert found.best.mean() == pytest.approx(1.84, abs=0.03)
    uneven = np.random.default_rng(3).lognormal(np.log(350) - 0.08, 0.4, (40, 100)).astype(int)
    floors = [identical(n, 0.03, seed=1, draws=100) for n in uneven]
    assert np.mean([f.best.mean() for f in floors]) == pytest.approx(2.0, abs=0.1)
    assert np.mean([np.mean(f.range) for f in floors]) == pytest.approx(2.28, abs=0.12)


def test_no_success_in_the_first_decile():
    assert ninth_over_first([[0, 0, 5, 5]], [10] * 4)[0] == np.inf


def test_overdispersion_is_the_mean_square_drawn_in():
    z = np.array([-1.0, 1.0] * 9 + [8.0, -8.0])
    low, high = np.quantile(z, [0.1, 0.9])
    assert (low, high) == (-1.0, 1.0)
    assert overdispersion(z) == 1.0
    assert overdispersion(3 * z) == 9.0
    assert overdispersion([np.nan, 5.0]) == 1.0
    rng = np.random.default_rng(1)
    wide = overdispersion(2 * rng.standard_normal(20_000), winsorised=0.0)
    assert wide == pytest.approx(4.0, rel=0.05)


def test_funnel_limits_hold_their_share():
    """Of identical units, 5 % lie outside the limits; a factor widens them by its root."""
    for n, rate in ((350, 0.03), (60, 0.4)):
        low, high = funnel_limits([n], rate)
        counts = np.arange(n + 1)
        share = stats.binom.pmf(counts, n, rate)
        outside = share[(counts / n < low) | (counts / n > high)].sum()
        assert 0.01 < outside <= 0.06
        wide_low, wide_high = funnel_limits([n], rate, factor=4.0)
        assert wide_high - rate == pytest.approx(2 * (high - rate))
        assert wide_low == pytest.approx(np.maximum(rate - 2 * (rate - low), 0.0))
    large_low, large_high = funnel_limits([1e6], 0.1)
    error = 1.96 * np.sqrt(0.09 / 1e6)
    assert large_high[0] - 0.1 == pytest.approx(error, rel=0.01)
    assert 0.1 - large_low[0] == pytest.approx(error, rel=0.01)


def test_the_same_seed_gives_the_same_answer():
    x, n = [5, 9, 30], [100, 100, 100]
    first, again = shrink(x, n, seed=7), shrink(x, n, seed=7)
    assert first.low.tolist() == again.low.tolist()
    assert first.p_value == again.p_value

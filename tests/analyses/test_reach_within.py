"""Hours compared within lists: lists that differ, and are dialled at hours of their own."""

import numpy as np

from crmkit.analyses.reach.fit import Patterns, fit, likelihood_ratio
from crmkit.analyses.reach.within import fit_within

BANDS = np.array([[0.6, 0.2, 0.2], [0.1, 0.3, 0.6], [0.2, 0.6, 0.2]])  # of each list's dials
SHAPES = ((2.0, 3.0), (0.6, 2.4), (1.0, 3.0))  # of each list's reachability


def drawn(seed, factors, n=3000):
    """Up to four attempts of leads of three lists: failures by band, the band that reached."""
    rng = np.random.default_rng(seed)
    of = rng.integers(3, size=n)
    theta = np.choose(of, [rng.beta(a, b, n) for a, b in SHAPES])
    failed, hit = np.zeros((n, 3), dtype=np.int64), np.full(n, -1)
    for _ in range(4):
        band = (rng.random(n)[:, None] > np.cumsum(BANDS[of], axis=1)).sum(axis=1)
        answers = rng.random(n) < 1 - (1 - theta) ** np.asarray(factors)[band]
        open_ = hit < 0
        hit = np.where(open_ & answers, band, hit)
        missed = np.flatnonzero(open_ & ~answers)
        failed[missed, band[missed]] += 1
    return failed, hit, of


def patterns(failed, hit):
    rows, n = np.unique(np.column_stack([failed, hit]), axis=0, return_counts=True)
    return Patterns(rows[:, :-1], rows[:, -1], n.astype(float))


def both(seed, factors):
    failed, hit, of = drawn(seed, factors)
    plain = fit(patterns(failed.sum(axis=1)[:, None], np.minimum(hit, 0)), factored=False)
    strata = [patterns(failed[of == k], hit[of == k]) for k in range(3)]
    return patterns(failed, hit), fit_within(strata, plain)


def test_no_hour_is_named_where_only_the_lists_differ():
    claims, alone = 0, 0
    for seed in range(15):
        whole, within = both(seed, (1.0, 1.0, 1.0))
        claims += within.p < 0.05
        one, same = fit(whole, factored=True), fit(whole, factored=False)
        alone += likelihood_ratio(one.loglik, same.loglik, 2) < 0.05
    assert claims <= 4
    assert alone == 15  # one distribution for all names an hour every time


def test_shared_factors_are_covered():
    planted, covered, told = np.array([1.0, 1.3, 0.7]), 0, 0
    for seed in range(12):
        fitted = both(seed, planted)[1].fitted
        (base,) = set(range(3)) - set(fitted.free.tolist())
        for place, band in enumerate(fitted.free):
            error = np.sqrt(fitted.covariance[2 + place, 2 + place])
            truth = np.log(planted[band] / planted[base])
            covered += abs(np.log(fitted.factors[band]) - truth) < 1.96 * error
            told += 1
    assert covered >= 0.83 * told


def test_small_lists_say_nothing():
    failed, hit, _ = drawn(1, (1.0, 1.3, 0.7), n=90)
    plain = fit(patterns(failed.sum(axis=1)[:, None], np.minimum(hit, 0)), factored=False)
    within = fit_within([patterns(failed, hit)], plain)
    assert within.fitted is None and np.isnan(within.p) and within.lists == 0

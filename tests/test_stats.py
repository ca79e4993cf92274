"""Intervals and tests, against published values and statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from crmkit import stats


def test_wilson_agrees_with_statsmodels():
    n = np.array([1, 5, 30, 885, 10_000])
    x = np.array([1, 0, 7, 324, 9_999])
    low, high = stats.wilson(x, n)
    their_low, their_high = proportion_confint(x, n, method="wilson")
    assert low == pytest.approx(their_low, abs=1e-12)
    assert high == pytest.approx(their_high, abs=1e-12)


def test_wilson_of_nothing_is_unknown():
    low, high = stats.wilson([0, 0, 4], [0, 4, 4])
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert low[1] == 0
    assert high[2] == 1


def test_two_proportions_agrees_with_statsmodels():
    _, p = proportions_ztest([15, 25], [100, 120])
    assert stats.two_proportions(15, 100, 25, 120) == pytest.approx(p)
    assert np.isnan(stats.two_proportions(0, 0, 1, 2))
    assert stats.two_proportions(0, 5, 0, 9) == 1


def test_holm_agrees_with_statsmodels():
    p = [0.04, 0.001, 0.03, 0.2, 0.011]
    assert stats.holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_keeps_unknowns():
    assert np.isnan(stats.holm([0.01, float("nan")])[1])
    assert stats.holm([0.01, float("nan")])[0] == 0.01


def test_mean_interval_by_hand():
    low, high = stats.mean_interval([10, 5], [30, 25], [4, 1])
    assert (low[0], high[0]) == pytest.approx((2.5 - 2.05426, 2.5 + 2.05426), abs=1e-4)
    assert np.isnan(low[1])

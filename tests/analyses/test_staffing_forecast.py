"""Forecasts of calls on series with a known answer, and the coverage of their bands."""

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from crmkit.analyses.staffing.forecast import Band, forecast
from crmkit.analyses.staffing.history import History

DAYS = np.array([1.2, 1.1, 1.0, 1.0, 1.05, 0.6, 0.4])
TIMES = np.zeros(48)
TIMES[18:40] = 20 * (1 + 0.5 * np.sin(np.arange(22) / 4))
MEAN = DAYS[:, None] * TIMES


def weeks_of(calls, *, seen=None, length=None):
    calls = np.asarray(calls, dtype=float)
    everything = np.ones(calls.shape, dtype=bool)
    return History(
        weeks=tuple(range(len(calls))),
        calls=calls,
        length=np.ones(calls.shape) if length is None else length,
        seen=everything if seen is None else seen,
        open=MEAN > 0,
        closed=(),
        outside=0,
    )


def drawn(seed, weeks, *, shock=0.0):
    rng = np.random.default_rng(seed)
    level = np.exp(shock * rng.standard_normal((weeks, 7, 1)) - shock**2 / 2)
    return rng.poisson(MEAN * level).astype(float)


@pytest.mark.parametrize("weeks", [1, 2, 3, 8])
def test_weeks_that_are_all_alike_come_again(weeks):
    found = forecast(weeks_of([MEAN] * weeks), ahead=1)
    assert found.mean == pytest.approx(MEAN)
    assert (found.mean[MEAN == 0] == 0).all()


@pytest.mark.parametrize("ahead", [1, 2])
def test_growth_goes_on(ahead):
    """5 % more every week: only the trend says so, exactly, and is chosen for it."""
    found = forecast(weeks_of([MEAN * 1.05**week for week in range(8)]), ahead=ahead)
    assert found.model == "trend"
    assert found.mean == pytest.approx(MEAN * 1.05 ** (7 + ahead))


def test_the_naive_model_is_last_week():
    calls = drawn(3, 6)
    table = forecast(weeks_of(calls), ahead=1).accuracy.set_index("model")
    errors = np.abs(np.diff(calls, axis=0))[-4:].sum() / calls[-4:].sum()
    assert table.wape["naive"] == pytest.approx(errors)
    assert table.weeks.tolist() == [4] * 4


def test_the_model_with_the_least_error_is_chosen():
    for seed in range(5):
        found = forecast(weeks_of(drawn(seed, 8)), ahead=1)
        table = found.accuracy.set_index("model")
        assert table.wape[found.model] <= 1.02 * table.wape.min()
        assert (table.wape[: found.model].iloc[:-1] > 1.02 * table.wape.min()).all()
        assert table.chosen.sum() == 1
        assert table.chance.iloc[0] < table.wape[found.model] < table.wape["naive"]


def test_a_weekday_of_its_own_shape_needs_the_profile():
    own = MEAN.copy()
    own[5] = own[5][::-1]
    past = weeks_of(np.random.default_rng(1).poisson(30 * np.roll(own, 4, axis=1), (8, 7, 48)))
    past = History(**{**vars(past), "open": np.roll(own, 4, axis=1) > 0})
    assert forecast(past, ahead=1).model == "profile"


def test_chance_alone_is_the_mean_deviation_of_poisson():
    found = forecast(weeks_of([MEAN] * 3), ahead=1)
    m = MEAN[MEAN > 0]
    k = np.arange(200)
    exact = (np.abs(k - m[:, None]) * poisson.pmf(k, m[:, None])).sum() / m.sum()
    assert found.accuracy.chance.iloc[0] == pytest.approx(exact)


def test_holidays_do_not_pull_the_forecast_down():
    calls = np.stack([MEAN] * 5)
    seen = np.ones(calls.shape, dtype=bool)
    calls[2, 3], seen[2, 3] = 0, False
    found = forecast(weeks_of(calls, seen=seen), ahead=1)
    assert found.mean == pytest.approx(MEAN)
    assert forecast(weeks_of(calls), ahead=1).mean[3].sum() < MEAN[3].sum()


def test_a_repeated_hour_counts_twice_and_is_forecast_once():
    length = np.ones((4, 7, 48))
    length[1, 6, 20:22] = 2
    length[2, 6, 24:26] = 0
    found = forecast(weeks_of(MEAN * length, length=length, seen=length > 0), ahead=1)
    assert found.mean == pytest.approx(MEAN)


def test_bands_are_quantiles_of_counts():
    low, high = Band().limits([20.0, 0.0, np.nan], 0.8)
    assert (low[0], high[0]) == (poisson.ppf(0.1, 20), poisson.ppf(0.9, 20))
    assert (low[1], high[1]) == (0, 0)
    assert np.isnan(low[2])
    low, high = Band(2.0, 0.01).limits(20.0, 0.95)
    variance = 2 * 20 + 0.01 * 400
    p, n = 20 / variance, 20**2 / (variance - 20)
    assert (low, high) == (nbinom.ppf(0.025, n, p), nbinom.ppf(0.975, n, p))


@pytest.mark.parametrize("shock", [0.0, 0.1])
def test_bands_cover_what_they_say(shock):
    """On 20 simulated books. A count is discrete, so that even exact bands cover a little more."""
    cover = {0.8: [], 0.95: []}
    totals, phi, kappa = [], [], []
    inside = MEAN > 0
    for seed in range(20):
        calls = drawn(seed, 9, shock=shock)
        found = forecast(weeks_of(calls[:8]), ahead=1)
        for level, hits in cover.items():
            low, high = found.band.limits(found.mean, level)
            hits.append(((calls[8] >= low) & (calls[8] <= high))[inside].mean())
        low, high = found.band.limits(found.mean.sum(axis=1), 0.8)
        totals.append(((calls[8].sum(axis=1) >= low) & (calls[8].sum(axis=1) <= high)).mean())
        phi.append(found.band.phi)
        kappa.append(found.band.kappa)
    low, high = poisson.ppf(0.1, MEAN[inside]), poisson.ppf(0.9, MEAN[inside])
    exact = (poisson.cdf(high, MEAN[inside]) - poisson.cdf(low - 1, MEAN[inside])).mean()
    assert 0.79 < np.mean(cover[0.8]) < exact + 0.035
    assert 0.945 < np.mean(cover[0.95]) < 0.985
    assert 0.70 < np.mean(totals) < 0.90
    assert np.mean(phi) == pytest.approx(1.13, abs=0.12)  # chance and the unknown mean
    assert np.mean(kappa) == pytest.approx(shock**2, abs=0.004)


def test_one_week_gives_a_wide_band_and_no_error():
    found = forecast(weeks_of([MEAN]), ahead=1)
    assert found.accuracy.wape.isna().all() and (found.accuracy.weeks == 0).all()
    assert found.band == Band(2.0, 0.0)
    assert np.isnan(found.covered)


def test_an_interval_with_hardly_any_calls():
    calls = np.zeros((6, 7, 48))
    calls[2, 0, 20] = 1
    past = History(**{**vars(weeks_of(calls)), "open": calls.sum(axis=0) > 0})
    found = forecast(past, ahead=1)
    assert 0 <= found.mean[0, 20] <= 1

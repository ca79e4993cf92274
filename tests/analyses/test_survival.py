"""Survival and projection against published facts and statsmodels."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from crmkit import text
from crmkit.analyses.survival import projection, survival, time_to_return
from crmkit.errors import InputError, ParameterError

SPELLS = {"duration": "float64", "ended": "boolean", "plan": "string"}
YEARS = {
    "Regular": [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3],
    "High End": [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4],
}


def spells(durations, ended, plan=None):
    frame = pd.DataFrame({"duration": durations, "ended": ended, "plan": plan})
    return ibis.memtable(frame, schema=SPELLS)


def random_spells(seed, n=200):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "duration": random.integers(0, 20, n).astype(float),
            "ended": random.random(n) < 0.6,
            "plan": random.choice(["月付", "年付", "二年"], n),
        }
    )


def telco(shared_data):
    rows = pd.read_csv(shared_data / "Telco-Customer-Churn.csv")
    return pd.DataFrame(
        {
            "duration": rows.tenure.astype(float),
            "ended": rows.Churn == "Yes",
            "contract": rows.Contract,
        }
    )


def test_telco_as_published(shared_data):
    rows = telco(shared_data)
    found = survival(ibis.memtable(rows), by="contract", at=(12, 24, 72))
    assert found.points.survival.round(4).tolist() == [0.8432, 0.7887, 0.5928]
    monthly = found.group_points[found.group_points.group == "Month-to-month"]
    assert monthly.survival.round(4).tolist() == [0.7031, 0.5859, 0.1290]
    assert round(found.log_rank.chi2, 2) == 2352.87
    assert found.log_rank.df == 2
    assert (found.total, int(found.curve.ended.sum())) == (7043, 1869)
    assert found.headline.startswith("Share of 7,043 customers still there: 84.3%")


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_is_that_of_statsmodels(seed):
    rows = random_spells(seed)
    found = survival(spells(rows.duration, rows.ended), at=(5,))
    peer = SurvfuncRight(rows.duration, rows.ended.astype(int))
    curve = found.curve.set_index("duration").loc[peer.surv_times]
    np.testing.assert_allclose(curve.survival, peer.surv_prob, rtol=1e-12)
    inner = curve[(curve.survival > 0) & (curve.survival < 1)]
    places = [list(peer.surv_times).index(t) for t in inner.index]
    error = peer.surv_prob_se[places] / inner.survival
    z = 1.959963984540054
    exponent = np.exp(z * error / np.log(inner.survival))
    np.testing.assert_allclose(inner.low, inner.survival ** (1 / exponent), rtol=1e-9)
    np.testing.assert_allclose(inner.high, inner.survival**exponent, rtol=1e-9)
    assert found.groups["median"].iloc[0] == peer.quantile(0.5)
    low, high = peer.quantile_ci(0.5, method="cloglog")
    assert (found.groups.median_low.iloc[0], found.groups.median_high.iloc[0]) == (low, high)


@pytest.mark.parametrize("seed", range(5))
def test_the_log_rank_test_is_that_of_statsmodels(seed):
    rows = random_spells(seed)
    found = survival(spells(rows.duration, rows.ended, rows.plan), by="plan").log_rank
    chi2, p = survdiff(rows.duration, rows.ended.astype(int), rows.plan)
    assert found.chi2 == pytest.approx(chi2, rel=1e-9)
    assert found.p == pytest.approx(p, rel=1e-9)


def test_nobody_is_known_to_leave():
    found = survival(spells([3.0, 5.0], [False, False]), at=(3, 6))
    assert found.points.survival.tolist()[0] == 1.0
    assert found.points.low.isna().all()  # without an end there is no width to estimate
    assert np.isnan(found.points.survival[1])  # nobody was followed for 6 months
    assert found.groups["median"].isna().all() and found.log_rank is None


def test_all_leave():
    found = survival(spells([1.0, 2.0], [True, True]), at=(1, 2))
    assert found.points.survival.tolist() == [0.5, 0.0]


def test_rows_that_cannot_be_used_are_left_out_and_counted():
    found = survival(spells([1.0, None, -1.0, 2.0], [True, True, True, None]), at=(1,))
    assert (found.total, found.dropped) == (1, 3)
    assert "3 rows" in str(found.definition)


def test_nothing_gives_an_empty_result():
    found = survival(spells([], []), by="plan")
    assert found.empty
    assert found.headline == "There is no customer whose duration is known."
    assert found.plot().words == found.headline
    assert found.key_figures() == () and found.findings() == ()
    for name in found.tables():
        assert name and found.table(name).json() is not None


def test_a_table_without_the_columns_says_so():
    with pytest.raises(InputError, match="no column ended"):
        survival(ibis.memtable({"duration": [1.0]}))
    with pytest.raises(InputError, match="true or false"):
        survival(ibis.memtable({"duration": [1.0], "ended": ["yes"]}))
    with pytest.raises(ParameterError, match="0 or more"):
        survival(spells([1.0], [True]), at=(-1,))
    with pytest.raises(ParameterError, match="no column 'plen'"):
        survival(spells([1.0], [True]), by="plen")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_survival_can_be_shown(language):
    rows = random_spells(1)
    found = survival(spells(rows.duration, rows.ended, rows.plan), by="plan", at=(5, 10))
    with text.reading(language=language):
        for name in found.tables():
            assert found.table(name).json()["rows"]
        for kind in found.plots():
            assert found.plot(kind).narrow.startswith("<svg")
        assert "{" not in found.headline + str(found.definition) + str(found.findings())


def test_time_to_return_counts_days_of_the_calendar():
    rows = pd.DataFrame(
        [
            ("a", "2011-01-01 10:00", "web"),
            ("a", "2011-01-01 12:00", "app"),  # the same day is no return
            ("a", "2011-01-04 09:00", "app"),
            ("b", "2011-01-02 10:00", "app"),
            ("c", "2011-01-03 23:30", None),
            (None, "2011-01-03 10:00", "web"),
        ],
        columns=["customer_id", "ordered_at", "channel"],
    )
    rows["ordered_at"] = pd.to_datetime(rows.ordered_at)
    orders = ibis.memtable(
        rows, schema={"customer_id": "string", "ordered_at": "timestamp", "channel": "string"}
    )
    found = time_to_return(orders, as_of=dt.date(2011, 1, 11), by="channel", at=(3,))
    assert found.dropped == 1
    assert found.curve.duration.tolist() == [3, 8, 9]
    assert found.curve.ended.tolist() == [1, 0, 0]
    assert (
        found.groups.group.tolist()[:2] == ["app", "web"] and found.groups.group.isna().sum() == 1
    )
    assert found.headline.startswith("Share of 3 customers who came back: 33.3%")
    shanghai = time_to_return(orders, as_of="2011-01-11", timezone="Asia/Shanghai", at=(3,))
    assert shanghai.curve.duration.tolist() == [3, 7, 9]


# --- shifted beta-geometric -----------------------------------------------------------------


def renewals(shares, years=7):
    left = [round(share * 10) for share in shares]
    lost = [year for year in range(1, years + 1) for _ in range(left[year - 1] - left[year])]
    stay = left[years]
    return spells(
        [float(t) for t in lost] + [float(years)] * stay, [True] * len(lost) + [False] * stay
    )


@pytest.mark.parametrize(
    ("name", "alpha", "beta"), [("Regular", 0.7041, 1.1820), ("High End", 0.6681, 3.8061)]
)
def test_projection_as_published(name, alpha, beta):
    found = projection(renewals(YEARS[name]), horizon=12)
    assert found.alpha == pytest.approx(alpha, abs=5e-5)
    assert found.beta == pytest.approx(beta, abs=5e-5)
    held_out = np.array(YEARS[name][8:]) / 100
    projected = found.curve.projected.to_numpy()
    assert np.abs(projected[8:] - held_out).max() < 0.017  # five years nobody had seen
    assert np.allclose(found.curve.observed[:8] * 100, YEARS[name][:8])
    assert found.curve.observed[8:].isna().all()
    assert (found.curve.low <= found.curve.projected).all()
    assert (found.curve.projected <= found.curve.high).all()


def test_projected_shares_are_the_product_of_renewals():
    found = projection(renewals(YEARS["Regular"]))
    product = np.cumprod(np.r_[1.0, found.curve.renewal.to_numpy()[:-1]])
    np.testing.assert_allclose(found.curve.projected, product, rtol=1e-10)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    alpha, beta, n, horizon = 1.0, 2.5, 600, 10
    truth = np.cumprod((beta + np.arange(horizon)) / (alpha + beta + np.arange(horizon)))[-1]
    random = np.random.default_rng(5)
    inside = 0
    for _ in range(100):
        ends = random.geometric(random.beta(alpha, beta, n))
        seen = spells(np.minimum(ends, 5).astype(float), ends <= 5)
        last = projection(seen, horizon=horizon).curve.iloc[-1]
        inside += last.low <= truth <= last.high
    assert 88 <= inside <= 99


@pytest.mark.parametrize("ended", [True, False])
def test_a_projection_needs_some_who_left_and_some_who_stayed(ended):
    found = projection(spells([1.0, 1.0], [ended, ended]))
    assert found.empty and found.curve.projected.isna().all()
    assert "needs some who left and some who renewed" in found.headline
    assert found.plot().words == found.headline and found.key_figures() == ()
    assert projection(spells([], [])).empty


def test_a_projection_refuses_broken_periods():
    with pytest.raises(ParameterError, match="whole periods"):
        projection(spells([1.5], [True]))
    with pytest.raises(ParameterError, match="1 or more"):
        projection(spells([1.0], [True]), horizon=0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_projection_can_be_shown(language):
    found = projection(renewals(YEARS["Regular"]))
    with text.reading(language=language):
        assert found.plot().wide.startswith("<svg")
        assert len(found.table().json()["rows"]) == 13
        assert "{" not in found.headline + str(found.definition)

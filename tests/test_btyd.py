import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from crmkit.btyd import purchasing, spending
from crmkit.btyd.forecast import Customers, cumulative, discounted, forecast, totals
from crmkit.btyd.likelihood import jacobian, maximise, positive, share
from crmkit.btyd.purchasing import Purchasing
from crmkit.btyd.spending import Spending

CDNOW = Purchasing(r=0.24259, alpha=4.41360, a=0.79292, b=2.42591)
HISTORIES = [(0, 0.0, 38.86), (1, 5.0, 20.0), (2, 30.43, 38.86), (7, 12.5, 13.0), (3, 1.0, 39.0)]


@pytest.fixture(scope="module")
def cdnow(shared_data):
    """The sample's customers at the end of calibration, as Fader and Hardie count them."""
    path = shared_data / "CDNOW_sample.txt"
    names = ["master", "customer", "date", "units", "dollars"]
    rows = pd.read_csv(path, sep=r"\s+", header=None, names=names, dtype={"date": str})
    day = (pd.to_datetime(rows.date) - pd.Timestamp("1997-01-01")).dt.days
    rows = rows.assign(day=day)[day <= 272]
    days = rows.groupby(["customer", "day"], as_index=False).dollars.sum()
    people = days.groupby("customer").agg(
        begin=("day", "first"),
        end=("day", "last"),
        n=("day", "size"),
        spent=("dollars", "sum"),
        first=("dollars", "first"),
    )
    return Customers(
        x=(people.n - 1).to_numpy(dtype=float),
        recency=(people.end - people.begin).to_numpy() / 7,
        age=(272 - people.begin).to_numpy() / 7,
        spent=(people.spent - people["first"]).to_numpy(),
        weights=np.ones(len(people)),
    )


# The likelihood of one customer, integrated numerically over rate and probability to stop.


def _likelihood(m, x, recency, age):
    """The rate by quadrature over its own density, p by quadrature with the ends' powers exact."""

    def gamma_part(power, time):
        def density(rate):
            return rate ** (power + m.r - 1) * math.exp(-rate * (time + m.alpha))

        near = integrate.quad(
            lambda rate: rate**power * math.exp(-rate * (time + m.alpha)),
            0,
            1,
            weight="alg",
            wvar=(m.r - 1, 0),
            epsabs=0,
            epsrel=1e-12,
            limit=200,
        )[0]
        far = integrate.quad(density, 1, np.inf, epsabs=1e-300, epsrel=1e-12, limit=200)[0]
        return (near + far) * m.alpha**m.r / math.gamma(m.r)

    def beta_part(function):
        return integrate.quad(
            function, 0, 1, weight="alg", wvar=(m.a - 1, m.b - 1), epsabs=0, epsrel=1e-12, limit=200
        )[0] / special.beta(m.a, m.b)

    alive = beta_part(lambda p: (1 - p) ** x) * gamma_part(x, age)
    if x == 0:
        return alive
    # The last purchase was also the one after which the customer stopped.
    stopped = beta_part(lambda p: p * (1 - p) ** (x - 1)) * gamma_part(x, recency)
    return alive + stopped


@pytest.mark.parametrize(("x", "recency", "age"), HISTORIES)
def test_likelihood_agrees_with_numeric_integration(x, recency, age):
    slow = math.log(_likelihood(CDNOW, x, recency, age))
    assert purchasing.log_likelihood(CDNOW, x, recency, age) == pytest.approx(slow, abs=1e-8)


@pytest.mark.parametrize(("x", "recency", "age"), HISTORIES)
def test_p_alive_is_the_share_of_the_likelihood_that_is_alive(x, recency, age):
    m = CDNOW
    dead = 0.0
    if x:
        dead = math.exp(
            special.betaln(m.a + 1, m.b + x - 1)
            - special.betaln(m.a, m.b)
            + special.gammaln(m.r + x)
            - special.gammaln(m.r)
            + m.r * math.log(m.alpha)
            - (m.r + x) * math.log(m.alpha + recency)
        )
    whole = _likelihood(m, x, recency, age)
    assert float(m.p_alive(x, recency, age)) == pytest.approx(1 - dead / whole, abs=1e-9)


def test_likelihood_of_one_purchase_by_hand():
    # r = alpha = a = b = 1: alive 1/2 * 1/(1+T)^2, stopped 1/2 * 1/(1+t)^2.
    m = Purchasing(r=1, alpha=1, a=1, b=1)
    by_hand = math.log(0.5 / 9 + 0.5 / 4)
    assert purchasing.log_likelihood(m, 1, 1.0, 2.0) == pytest.approx(by_hand, abs=1e-14)
    assert float(m.p_alive(1, 1.0, 2.0)) == pytest.approx((1 / 9) / (1 / 9 + 1 / 4), abs=1e-14)
    # Nobody can stop before a first repeat purchase.
    assert purchasing.log_likelihood(m, 0, 0.0, 3.0) == pytest.approx(math.log(1 / 4), abs=1e-14)
    assert float(m.p_alive(0, 0.0, 3.0)) == 1.0


def test_derivatives_agree_with_differences():
    x, recency, age = (np.array(v, dtype=float) for v in zip(*HISTORIES, strict=True))
    weights = np.array([5.0, 1, 2, 1, 3])
    history = purchasing._History(x, recency, age, weights)
    at = np.array([-1.2, -2.5, -1.0, 1.1])
    slope = jacobian(lambda moved: [history.objective(moved)[0]], at)[0]
    assert history.objective(at)[1] == pytest.approx(slope, rel=1e-5, abs=1e-5)
    amounts = spending._Amounts(x[1:], np.array([10.0, 3.0, 80.0, 1.5]), weights[1:])
    at = np.array([0.4, 0.7, 3.0])
    slope = jacobian(lambda moved: [amounts.objective(moved)[0]], at)[0]
    assert amounts.objective(at)[1] == pytest.approx(slope, rel=1e-5, abs=1e-5)


# Expectations


def test_expected_new_agrees_with_the_published_form():
    m, t = CDNOW, np.array([0.01, 1.0, 10.0, 39.0, 78.0, 1000.0])
    z = t / (m.alpha + t)
    published = (
        (m.a + m.b - 1)
        / (m.a - 1)
        * (1 - (m.alpha / (m.alpha + t)) ** m.r * special.hyp2f1(m.r, m.b, m.a + m.b - 1, z))
    )
    assert m.expected_new(t) == pytest.approx(published, rel=1e-9)
    assert float(m.expected_new(0.0)) == 0.0


@pytest.mark.parametrize(("x", "recency", "age"), HISTORIES)
def test_expected_agrees_with_the_published_form(x, recency, age):
    m, t = CDNOW, 39.0
    z = t / (m.alpha + age + t)
    shape = m.a + m.b + x - 1
    published = (
        shape
        / (m.a - 1)
        * (
            1
            - ((m.alpha + age) / (m.alpha + age + t)) ** (m.r + x)
            * special.hyp2f1(m.r + x, m.b + x, shape, z)
        )
    )
    published *= float(m.p_alive(x, recency, age))
    assert float(m.expected(x, recency, age, t)) == pytest.approx(published, rel=1e-10)


def test_expected_where_the_published_form_divides_by_zero():
    # a = 1: E[X(t)] = E[(1 - (1 + p t / alpha)^-r) / p], here r = alpha = b = 1: log(1 + t).
    m = Purchasing(r=1, alpha=1, a=1, b=1)
    assert float(m.expected_new(5.0)) == pytest.approx(math.log(6), rel=1e-12)
    # a + b = 1: the published form is 0 times infinity.
    m = Purchasing(r=1, alpha=2, a=0.5, b=0.5)
    slow = (
        integrate.quad(
            lambda p: 1 / (2 + 3 * p) * 3, 0, 1, weight="alg", wvar=(-0.5, -0.5), epsrel=1e-12
        )[0]
        / math.pi
    )
    assert float(m.expected_new(3.0)) == pytest.approx(slow, rel=1e-11)


def test_second_moment_agrees_with_numeric_integration():
    m, t, x, age = CDNOW, 20.0, 3, 30.0
    shape, scale = m.r + x, m.alpha + age

    def integrand(p):
        u = p * t / scale
        return 2 * (1 - p) / p**2 * (1 - (1 + u) ** -shape - shape * u * (1 + u) ** (-shape - 1))

    slow = integrate.quad(
        lambda p: stats.beta.pdf(p, m.a, m.b + x) * integrand(p), 1e-6, 1, epsrel=1e-10, limit=300
    )[0]
    second = m.pairs_if_alive(np.array([3.0]), np.array([age]), np.array([t]))
    assert second[0, 0] == pytest.approx(slow, rel=1e-4)


def test_expected_and_its_variance_agree_with_simulation():
    m, t, n = Purchasing(r=0.8, alpha=6.0, a=0.9, b=2.5), 40.0, 200_000
    rng = np.random.default_rng(11)
    rate, stops = rng.gamma(m.r, 1 / m.alpha, n), rng.beta(m.a, m.b, n)
    bought = rng.poisson(rate * t)
    lived = rng.geometric(np.maximum(stops, 1e-12))
    made = np.minimum(bought, lived)
    first = m.if_alive(np.zeros(1), np.zeros(1), np.array([t]))
    second = m.pairs_if_alive(np.zeros(1), np.zeros(1), np.array([t]))
    error = made.std() / math.sqrt(n)
    assert abs(made.mean() - first[0, 0]) < 4 * error
    pairs = made * (made - 1.0)
    assert abs(pairs.mean() - second[0, 0]) < 4 * pairs.std() / math.sqrt(n)


@pytest.mark.parametrize("x", [100.0, 1e4, 1e5])
def test_very_frequent_customers(x):
    m = CDNOW
    expected = float(m.expected(x, 52.0, 52.0, 10.0))
    # Nearly certain of its rate; stops with a mean probability of a / (a + b + x) each time.
    rate = (m.r + x) / (m.alpha + 52)
    slow = integrate.quad(
        lambda u: -math.expm1(-rate * 10 * u / x) * x / u * stats.gamma.pdf(u, m.a),
        0,
        60,
        epsrel=1e-9,
        limit=500,
    )[0]
    assert math.isfinite(expected)
    assert expected == pytest.approx(slow, rel=5 / x)
    assert 0.9 < float(m.p_alive(x, 52.0, 52.0)) <= 1
    assert float(m.p_alive(x, 26.0, 52.0)) < 1e-12
    assert math.isfinite(purchasing.log_likelihood(m, x, 26.0, 52.0))


def test_no_time_and_no_customers():
    assert float(CDNOW.expected(0, 0.0, 0.0, 52.0)) == pytest.approx(
        float(CDNOW.expected_new(52.0)), rel=1e-12
    )
    assert purchasing.log_likelihood(CDNOW, 0, 0.0, 0.0) == pytest.approx(0.0, abs=1e-13)
    assert CDNOW.if_alive(np.zeros(0), np.zeros(0), np.array([1.0])).shape == (0, 1)


def test_expected_hardly_depends_on_how_many_nodes(monkeypatch):
    m = Purchasing(r=0.3, alpha=0.05, a=0.4, b=1.3)
    t = np.array([1.0, 52.0])
    usual = m.expected_new(t)
    monkeypatch.setattr(purchasing, "_nodes_needed", lambda scale, time: 700)
    assert m.expected_new(t) == pytest.approx(usual, rel=1e-9)


# Fits


def test_cdnow_purchases(cdnow):
    fit = purchasing.fit(cdnow.x, cdnow.recency, cdnow.age)
    m = fit.model
    assert (m.r, m.alpha) == pytest.approx((0.24259, 4.41360), abs=1e-5)
    assert (m.a, m.b) == pytest.approx((0.79292, 2.42591), abs=1e-5)
    assert fit.maximum.log_likelihood == pytest.approx(-9582.429, abs=1e-3)
    assert fit.maximum.converged
    assert not fit.maximum.edge.any()
    assert float(m.expected(2, 213 / 7, 272 / 7, 39.0)) == pytest.approx(1.2260, abs=5e-5)


def test_cdnow_spending(cdnow):
    again = cdnow.x > 0
    assert again.sum() == 946
    fit = spending.fit(cdnow.x[again], cdnow.spent[again] / cdnow.x[again])
    m = fit.model
    assert (m.p, m.q, m.v) == pytest.approx((6.2496, 3.7442, 15.4435), abs=1e-4)
    assert fit.maximum.converged


def test_weights_count_like_repeated_rows():
    rng = np.random.default_rng(3)
    x = rng.integers(0, 5, 400).astype(float)
    age = rng.integers(10, 14, 400).astype(float)
    recency = np.where(x > 0, age - rng.integers(0, 9, 400), 0.0)
    rows = pd.DataFrame({"x": x, "recency": recency, "age": age, "n": 1.0})
    alike = rows.groupby(["x", "recency", "age"], as_index=False).n.sum()
    assert len(alike) < 200
    whole = purchasing.log_likelihood(CDNOW, x, recency, age)
    grouped = purchasing.log_likelihood(CDNOW, alike.x, alike.recency, alike.age, alike.n)
    assert grouped == pytest.approx(whole, rel=1e-12)
    one = purchasing.fit(x, recency, age).maximum
    other = purchasing.fit(alike.x, alike.recency, alike.age, alike.n).maximum
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-10)
    assert other.covariance == pytest.approx(one.covariance, rel=1e-3, nan_ok=True)
    again = x > 0
    mean = np.round(rng.gamma(3, 10, 400), 0)[again] + 1
    amounts = pd.DataFrame({"x": x[again], "mean": mean, "n": 1.0})
    kinds = amounts.groupby(["x", "mean"], as_index=False).n.sum()
    model = Spending(p=3, q=4, v=20)
    assert spending.log_likelihood(model, kinds.x, kinds["mean"], kinds.n) == pytest.approx(
        spending.log_likelihood(model, x[again], mean), rel=1e-12
    )


def test_scale_of_time_and_money_does_not_matter(cdnow):
    weeks = purchasing.fit(cdnow.x, cdnow.recency, cdnow.age)
    days = purchasing.fit(cdnow.x, cdnow.recency * 7, cdnow.age * 7)
    assert days.model.alpha == pytest.approx(7 * weeks.model.alpha, rel=1e-6)
    assert days.model.a == pytest.approx(weeks.model.a, rel=1e-6)
    again = cdnow.x > 0
    x, mean = cdnow.x[again], cdnow.spent[again] / cdnow.x[again]
    assert spending.fit(x, mean * 1e6).model.v == pytest.approx(
        1e6 * spending.fit(x, mean).model.v, rel=1e-5
    )


@pytest.mark.parametrize(
    ("x", "recency", "age"),
    [
        ([0.0] * 50, [0.0] * 50, [10.0] * 50),  # nobody repeats
        ([1.0] * 50, [5.0] * 50, [10.0] * 50),  # everybody, on the same day
        ([0.0], [0.0], [10.0]),  # one customer
        ([3.0], [9.0], [10.0]),
        ([0.0] * 40, [0.0] * 40, [0.0] * 40),  # everybody came today
        ([1e5] * 40, [50.0] * 40, [52.0] * 40),
    ],
)
def test_data_without_a_maximum_end_quietly_and_say_so(x, recency, age):
    fit = purchasing.fit(x, recency, age)
    told = fit.maximum.converged and not fit.maximum.edge.any()
    assert not told
    assert np.isfinite(fit.maximum.log_likelihood)
    assert len(fit.estimates()) == 6


def test_everybody_spends_the_same():
    fit = spending.fit(np.arange(1.0, 61.0), np.full(60, 25.0))
    assert fit.maximum.edge.any()
    assert fit.model.mean == pytest.approx(25.0, rel=1e-3)


def test_intervals_of_a_known_case():
    # Without stopping (every recency = age) the dropout is not told by the data, the rate is.
    rng = np.random.default_rng(5)
    rate = rng.gamma(2.0, 1 / 20.0, 3000)
    x = rng.poisson(rate * 50.0).astype(float)
    fit = purchasing.fit(x, np.where(x > 0, 50.0, 0.0), np.full(3000, 50.0))
    found = fit.estimates()
    assert fit.model.dropout < 1e-3
    assert found["rate"].low < 0.1 < found["rate"].high
    assert math.isnan(found["a"].low)


# Gamma-Gamma


def test_spending_likelihood_agrees_with_numeric_integration():
    m, x, mean = Spending(p=6.25, q=3.74, v=15.44), 3, 22.0

    def integrand(rate):
        return stats.gamma.pdf(rate, m.q, scale=1 / m.v) * stats.gamma.pdf(
            mean, m.p * x, scale=1 / (rate * x)
        )

    slow = integrate.quad(integrand, 0, 20, epsrel=1e-12, limit=300)[0]
    assert spending.log_likelihood(m, x, mean) == pytest.approx(math.log(slow), abs=1e-8)


def test_expected_spend_between_the_mean_of_all_and_the_customers_own():
    m = Spending(p=6.25, q=3.74, v=15.44)
    assert float(m.expected(0, 0.0)) == pytest.approx(m.mean)
    one, many = float(m.expected(1, 100.0)), float(m.expected(50, 5000.0))
    assert m.mean < one < many < 100
    shape = m.p * 2 + m.q
    rate = stats.gamma(shape, scale=1 / (m.v + 60.0))
    by_hand = integrate.quad(lambda nu: (m.p / nu) ** 2 * rate.pdf(nu), 0, np.inf)[0]
    assert float(m.expected_square(2, 60.0)) == pytest.approx(by_hand, rel=1e-6)
    assert math.isinf(float(Spending(p=1, q=1.5, v=1).expected_square(0, 0.0)))


# Totals


@pytest.fixture
def few():
    x, recency, age = (np.array(v, dtype=float) for v in zip(*HISTORIES, strict=True))
    return Customers(
        x=x, recency=recency, age=age, spent=x * 20.0, weights=np.array([300.0, 40, 30, 5, 9])
    )


def test_discounting_by_hand():
    m = CDNOW
    plain, later = discounted(m, np.zeros(1), np.zeros(1), horizon=6.0, discount=0.1)
    four, six = m.expected_new([4.0, 6.0])
    year = 365.25 / 7
    assert plain[0] == pytest.approx(six)
    assert later[0] == pytest.approx(four * 1.1 ** (-2 / year) + (six - four) * 1.1 ** (-5 / year))
    _, undiscounted = discounted(m, np.zeros(1), np.zeros(1), horizon=6.0, discount=0.0)
    assert undiscounted[0] == pytest.approx(six)


def test_forecast_adds_up(cdnow):
    buying = purchasing.fit(cdnow.x, cdnow.recency, cdnow.age)
    again = cdnow.x > 0
    paying = spending.fit(cdnow.x[again], cdnow.spent[again] / cdnow.x[again])
    one = forecast(buying, paying, cdnow, horizon=39.0, discount=0.0, margin=1.0)
    by_hand = buying.model.expected(cdnow.x, cdnow.recency, cdnow.age, 39.0)
    assert one.purchases == pytest.approx(by_hand, rel=1e-10)
    amount = paying.model.expected(cdnow.x, cdnow.spent)
    assert one.total_value.value == pytest.approx(float(by_hand @ amount), rel=1e-10)
    half = forecast(buying, paying, cdnow, horizon=39.0, discount=0.0, margin=0.5)
    assert half.total_value.value == pytest.approx(one.total_value.value / 2)
    assert half.total_value.low == pytest.approx(one.total_value.low / 2)
    each, (total,) = totals(buying, cdnow, 39.0, np.ones((1, len(cdnow.x))))
    assert each == pytest.approx(by_hand, rel=1e-10)
    assert total.low == pytest.approx(one.total_purchases.low, rel=1e-6)
    assert total.low < total.value < total.high


def test_luck_shrinks_with_the_number_of_customers_and_doubt_does_not(cdnow, few):
    buying = purchasing.fit(cdnow.x, cdnow.recency, cdnow.age)
    group = np.ones((1, len(few.x)))
    _, (small,) = totals(buying, few, 20.0, group)
    thousandfold = Customers(
        x=few.x, recency=few.recency, age=few.age, spent=few.spent, weights=few.weights * 1e6
    )
    _, (large,) = totals(buying, thousandfold, 20.0, group)
    assert large.value == pytest.approx(1e6 * small.value)
    assert 0 < large.high / large.low - 1 < small.high / small.low - 1
    _, (nobody,) = totals(buying, few, 20.0, np.zeros((1, len(few.x))))
    assert nobody.value == 0
    assert math.isnan(nobody.low)


def test_cumulative_waits_for_each_customers_start():
    course = cumulative(
        CDNOW, np.array([0.0, 3.0]), np.array([2.0, 5.0]), np.array([0.0, 3.0, 10.0])
    )
    of = CDNOW.expected_new([3.0, 10.0, 7.0])
    assert course == pytest.approx([0.0, 2 * of[0], 2 * of[1] + 5 * of[2]])


# The search itself


def test_maximise_finds_the_highest_of_two_hills_and_reports_edges():
    def hills(at):
        x = at[0]
        low, high = np.exp(-((x + 2) ** 2)), 2 * np.exp(-((x - 2) ** 2))
        slope = -2 * (x + 2) * low - 2 * (x - 2) * high
        return float(low + high), np.array([slope])

    box = {"low": np.array([-5.0]), "high": np.array([5.0]), "weight": 1.0}
    found = maximise(hills, [np.array([-2.5]), np.array([1.5])], **box)
    assert float(found.at.item()) == pytest.approx(2.0, abs=1e-4)
    assert found.converged
    assert found.covariance[0, 0] == pytest.approx(1 / 4, rel=1e-2)
    climb = maximise(lambda at: (float(at[0]), np.ones(1)), [np.zeros(1)], **box)
    assert climb.edge.all()
    assert np.isnan(climb.covariance).all()


def test_intervals_on_their_scales():
    assert positive(10.0, 0.0).low == positive(10.0, 0.0).high == 10.0
    wide = share(0.5, 1.0)
    assert wide.low == pytest.approx(1 - wide.high)
    assert positive(3.0, 0.2).low * positive(3.0, 0.2).high == pytest.approx(9.0)

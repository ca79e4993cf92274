"""Attempts to reach a lead, the best time without survivorship, and whom to call back."""

import datetime as dt
import importlib.util
from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import roots_jacobi
from scipy.stats import beta as beta_distribution

from crmkit.analyses.reach import reach
from crmkit.analyses.reach.fit import Patterns, fit, likelihood_ratio, precision_limits
from crmkit.errors import ParameterError
from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.floor import Floor
from crmkit.text import reading

_spec = importlib.util.spec_from_file_location(
    "call_rows", Path(__file__).with_name("call_rows.py")
)
call_rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(call_rows)
CODES, call, codes, log = call_rows.CODES, call_rows.call, call_rows.codes, call_rows.log

MONDAY = dt.datetime(2025, 3, 3, 10)
ZONE = "Asia/Shanghai"
DAY = dt.timedelta(days=1)


def tried(lead, *results, every=dt.timedelta(hours=1), at=MONDAY, **given):
    """Dials of a lead with these results, an hour apart."""
    return [
        call(at + n * every, lead_id=lead, result=result, direction="outbound", **given)
        for n, result in enumerate(results)
    ]


def found(*rows, **options):
    return reach(log(*rows), codes(**CODES), **({"as_of": "2025-03-09"} | options))


def patterns(failed, hit, n):
    return Patterns(np.array(failed).reshape(len(n), -1), np.array(hit), np.array(n, dtype=float))


def test_only_attempts_up_to_the_first_success_count():
    result = found(
        *tried("a", "no_answer", "human", "human"),  # the third is no attempt at reaching
        *tried("b", "busy", "rejected", "dropped"),  # a person answered a dropped call
        *tried("c", "machine", "unreachable"),
        *tried("d", "empty_number", "blocked", "no_answer"),  # one try at a person
        *tried("e", "suspended"),
        *tried(None, "human"),
        call(MONDAY, lead_id="f", result="human", direction="inbound"),
    )
    frame = result.attempts
    assert frame.at_risk.tolist() == [4, 3, 1] and frame.reached.tolist() == [0, 1, 1]
    assert (result.n, result.reached, result.tries) == (4, 2, 8)
    assert (result.no_lead, result.no_try) == (1, 3)
    assert frame.cumulative.tolist() == pytest.approx([0, 1 / 3, 1])
    assert result.bands.n.sum() == result.weekdays.n.sum() == 8


def test_calls_at_the_same_moment_are_ordered_by_their_id():
    rows = tried("a", "no_answer", "human", every=dt.timedelta(0))
    assert found(*rows).attempts.reached.tolist() == [0, 1]
    assert found(*rows[::-1]).attempts.reached.tolist() == [1]


def test_a_lead_over_midnight_lies_in_both_bands_and_days():
    at = dt.datetime(2025, 3, 3, 15, 59, 59)  # 23:59:59 in Shanghai
    rows = tried("a", "no_answer", "human", every=dt.timedelta(seconds=1), at=at)
    result = found(*rows, timezone=ZONE)
    assert result.bands.n.tolist() == [1, 0, 0, 0, 0, 1]
    assert result.bands.reached.tolist() == [1, 0, 0, 0, 0, 0]
    assert result.weekdays.n.tolist()[:2] == [1, 1]
    assert found(*rows, timezone=ZONE, as_of="2025-03-03").tries == 1


def test_flags_rule_over_results():
    result = found(*tried("a", "human", disposition="AM"), *tried("b", None, disposition="SALE"))
    assert (result.n, result.reached) == (2, 1)
    assert found(*tried("a", None)).no_try == 1  # neither a result nor an outcome


def test_leads_first_dialled_before_the_period_are_left_out():
    rows = [*tried("a", "no_answer", "human", every=dt.timedelta(days=2)), *tried("b", "human")]
    later = tried("c", "busy", at=MONDAY + dt.timedelta(days=1))
    middle = [call(MONDAY + dt.timedelta(days=1), lead_id="d", result="busy", attempt_no=4)]
    result = found(*rows, *later, *middle, start="2025-03-04")
    assert (result.n, result.earlier, result.tries) == (1, 3, 1)


def test_attempts_beyond_the_most_do_not_count():
    result = found(*tried("a", *["busy"] * 5, "human"), most=4)
    assert (result.tries, result.reached) == (4, 0)


def test_one_call_and_none():
    one = found(*tried("a", "human"))
    assert (one.n, one.reached) == (1, 1) and np.isnan(one.a) and np.isnan(one.stop)
    none = found()
    assert none.empty and "No lead" in none.headline and not none.findings()
    none._repr_html_()
    assert len(none.actions()) == 0 and not none.key_figures()
    silent = found(*tried("a", "busy", "busy"))
    assert "None of 1 leads" in silent.headline and not silent.differ


def test_the_fit_is_that_of_the_published_example():
    """Customers left after each of 7 years (Fader and Hardie 2007): 0.668 and 3.806."""
    left = np.array([1000, 869, 743, 653, 593, 551, 517, 491])
    failed = [*range(7), 7]
    fitted = fit(patterns(failed, [0] * 7 + [-1], [*(left[:-1] - left[1:]), 491]), factored=False)
    assert fitted.a == pytest.approx(0.668, abs=0.0006)
    assert fitted.b == pytest.approx(3.806, abs=0.0006)
    assert fitted.loglik == pytest.approx(-1611.2, abs=0.06)


def test_the_closed_form_is_the_integral():
    fitted = fit(
        patterns([[1, 2], [0, 1], [3, 1], [2, 0]], [0, 1, -1, 0], [9, 8, 40, 6]), factored=True
    )
    density = beta_distribution(fitted.a, fitted.b).pdf
    for exposure in (0.4, 1.7, 5.0):
        whole = quad(lambda t, s=exposure: density(t) * (1 - t) ** s, 0, 1)[0]
        assert float(fitted.survive(exposure)) == pytest.approx(whole, rel=1e-6)


def _brute(data, a, b, factors):
    """The log likelihood by numerical integration over reachability."""
    nodes, weights = roots_jacobi(80, b - 1, a - 1)
    theta, weights = (1 + nodes) / 2, weights / weights.sum()
    miss = np.array([(1 - theta) ** f for f in factors])
    total = 0.0
    for failed, hit, n in zip(data.failed, data.hit, data.n, strict=True):
        chance = np.prod(miss ** failed[:, None], axis=0) * (1 if hit < 0 else 1 - miss[hit])
        total += n * np.log(chance @ weights)
    return total


def test_the_fit_is_the_maximum_of_an_independent_likelihood():
    rng = np.random.default_rng(5)
    data = _simulated(rng, 900, (1.0, 1.5, 0.7), a=1.5, b=4.0)
    fitted = fit(data, factored=True)
    assert fitted.loglik == pytest.approx(
        _brute(data, fitted.a, fitted.b, fitted.factors), abs=0.01
    )
    for _ in range(12):
        a, b, *rest = np.exp(rng.normal(0, 0.1, 4))
        factors = fitted.factors.copy()
        factors[fitted.free] *= rest
        assert _brute(data, fitted.a * a, fitted.b * b, factors) < fitted.loglik


def _simulated(rng, n, factors, *, a, b, alike=False):
    """Leads dialled first in early bands and again in later ones, until they answer."""
    theta = np.full(n, a / (a + b)) if alike else rng.beta(a, b, n)
    bands, most = len(factors), 5
    failed, hit = np.zeros((n, bands), dtype=int), np.full(n, -1)
    for attempt in range(most):
        band = np.where(rng.random(n) < 0.7, min(attempt, bands - 1), rng.integers(bands, size=n))
        answers = rng.random(n) < 1 - (1 - theta) ** np.array(factors)[band]
        still = hit < 0
        hit = np.where(still & answers, band, hit)
        failed[np.flatnonzero(still & ~answers), band[still & ~answers]] += 1
    rows, counts = np.unique(np.column_stack([failed, hit]), axis=0, return_counts=True)
    return Patterns(rows[:, :-1], rows[:, -1], counts.astype(float))


def test_planted_factors_are_covered_where_bare_rates_mislead():
    """The last band is the best of all, and its bare rate the worst: the hard leads are there."""
    planted, covered, misled = np.array([1.0, 1.0, 1.35]), [], []
    truth = 1 - np.array(
        [beta_distribution(0.6, 1.6).expect(lambda t, f=f: (1 - t) ** f) for f in planted]
    )
    for seed in range(60):
        data = _simulated(np.random.default_rng(seed), 1500, planted, a=0.6, b=1.6)
        fitted = fit(data, factored=True)
        hits = np.bincount(data.hit[data.hit >= 0], data.n[data.hit >= 0], minlength=3)
        tries = data.n @ data.failed + hits
        _, low, high = fitted.relative(tries)
        mean = (truth * tries).sum() / tries.sum()
        covered.append((low <= truth / mean) & (truth / mean <= high))
        misled.append(np.argmax(hits / tries) != 2)
    assert 0.90 <= np.mean(covered) <= 0.985
    assert np.mean(misled) == 1.0


def test_alike_leads_are_said_to_be_alike_and_to_have_no_best_hour():
    alike, timed = [], []
    for seed in range(25):
        data = _simulated(np.random.default_rng(seed), 500, (1, 1, 1), a=1, b=3, alike=True)
        pooled = Patterns(data.failed.sum(axis=1)[:, None], np.minimum(data.hit, 0), data.n)
        plain, hours = fit(pooled, factored=False), fit(data, factored=True)
        hits, fails = data.n[data.hit >= 0].sum(), (data.n @ data.failed).sum()
        rate = hits / (hits + fails)
        same = hits * np.log(rate) + fails * np.log1p(-rate)
        assert plain.loglik >= same - 0.05
        alike.append(likelihood_ratio(plain.loglik, same, 1, edge=True) < 0.05)
        timed.append(likelihood_ratio(hours.loglik, plain.loglik, 2) < 0.05)
    assert np.mean(alike) <= 0.16 and np.mean(timed) <= 0.16


def test_the_precision_is_covered():
    inside = []
    for seed in range(30):
        data = _simulated(np.random.default_rng(seed), 600, (1.0,), a=0.8, b=2.0)
        fitted = fit(data, factored=False)
        low, high = precision_limits(data, fitted)
        assert low <= fitted.a + fitted.b <= high
        inside.append(low <= 2.8 <= high)
    assert np.mean(inside) >= 0.86


@pytest.fixture(scope="module")
def floor():
    return Floor(agents=20, trunks=60, days=5, timezone=ZONE, seed=20250307)


@pytest.fixture(scope="module")
def dialled(floor):
    leads = LeadBatch.draw(floor, 10_000)
    return leads, dial(floor, leads, engine="python").tables()


@pytest.fixture(scope="module")
def result(dialled):
    _, tables = dialled
    given = [ibis.memtable(tables[name]) for name in ("calls", "dispositions")]
    return reach(*given, as_of="2025-03-07", timezone=ZONE)


def _planted(leads, tables, found):
    """The relative chance of the same living leads in each band, weighted by its dials by hour."""
    living = (leads.number_state < 3) & ~leads.do_not_call
    chances = np.minimum(leads.reach[:, None] * leads.hour_factors[leads.hour_kind], 1)
    chances = chances[living].mean(axis=0)
    hour = (tables["calls"].to_pandas().started_at + dt.timedelta(hours=8)).dt.hour
    dials = np.bincount(hour, minlength=24)
    edges = [*found.starts, 24]
    shown = found.bands[found.bands.n > 0]
    parts = [slice(edges[k], edges[k + 1]) for k in shown.band]
    truth = np.array([np.average(chances[part], weights=dials[part]) for part in parts])
    return shown, truth / np.average(truth, weights=shown.n)


def test_hours_that_all_people_share_are_found_on_the_floor(floor):
    leads = LeadBatch.draw(floor, 10_000)
    leads = replace(leads, hour_kind=np.full(len(leads), 3))  # noon and early evening
    tables = dial(floor, leads, engine="python").tables()
    given = [ibis.memtable(tables[name]) for name in ("calls", "dispositions")]
    same = reach(*given, as_of="2025-03-07", timezone=ZONE)
    shown, planted = _planted(leads, tables, same)
    fair = np.abs(np.log(shown.factor / planted))
    bare = np.abs(np.log(shown.naive_factor / planted))
    assert fair.max() < 0.08 < bare.max()
    assert same.best == shown.band.iloc[np.argmax(planted)]


def test_with_tastes_of_their_own_the_same_leads_are_still_fairer_than_bare_rates(dialled, result):
    """Who failed in the morning likes the evening: the factor, alike for all, is not exact then."""
    shown, planted = _planted(*dialled, result)
    fair = np.sqrt(np.mean(np.log(shown.factor / planted) ** 2))
    bare = np.sqrt(np.mean(np.log(shown.naive_factor / planted) ** 2))
    assert fair < 0.7 * bare
    assert result.best == shown.band.iloc[np.argmax(planted)] == 4
    assert shown.naive_factor.idxmax() != 4  # the bare rate names another hour


def test_the_reachability_planted_on_the_floor_is_found(dialled, result):
    leads, _ = dialled
    living = (leads.number_state < 3) & ~leads.do_not_call
    chances = np.minimum(leads.reach[:, None] * leads.hour_factors[leads.hour_kind], 1)
    theta = chances[living][:, 9:18].mean(axis=1)
    planted = [(theta * (1 - theta) ** k).sum() / ((1 - theta) ** k).sum() for k in range(6)]
    expected = [result.expected(k) for k in range(6)]
    assert result.differ
    assert np.abs(np.subtract(expected, planted)).max() < 0.025
    naive = result.reached / result.tries
    assert abs(naive - planted[0]) > 0.06 and abs(naive - planted[5]) > 0.06
    seen = result.attempts
    assert (seen.chance - seen.rate).abs().max() < 0.02


def test_a_floor_of_leads_alike_has_no_best_hour(floor):
    tables = dial(floor, LeadBatch.alike(floor, 5000), engine="python").tables()
    given = [ibis.memtable(tables[name]) for name in ("calls", "dispositions")]
    alike = reach(*given, as_of="2025-03-07", timezone=ZONE)
    shown = alike.bands[alike.bands.n > 0]
    assert alike.best is None and "No time" in alike.best_words
    assert ((shown.factor_low <= 1) & (shown.factor_high >= 1)).all()
    assert alike.stop > 6 or np.isnan(alike.stop)


def test_whom_to_call_back_and_nobody_else():
    flags = CODES | {"CB": "human_answered right_party callback", "DONE": "completed"}
    at, two = MONDAY + DAY, ("busy", "busy")
    rows = [
        *tried("agreed", "busy", "human", disposition="CB"),
        *tried("made", "human", disposition="CB"),
        *tried("made", "human", disposition="NI", at=at),
        *tried("bought", "human", disposition="CB"),
        *tried("bought", "human", disposition="SALE", at=at),
        *tried("no more", "human", disposition="CB"),
        *tried("no more", "human", disposition="DNC", at=at),
        *tried("dropped", "dropped"),
        *tried("called in", "dropped"),
        call(at, lead_id="called in", result="human", agent=5, direction="inbound"),
        call(at, lead_id="caller", result="human", agent=5, direction="inbound", disposition="CB"),
        *tried("open", "no_answer"),
        *tried("open longer", "no_answer", "no_answer", every=DAY),
        *tried("dead", "no_answer", "empty_number"),
        *tried("done", "no_answer", disposition="DONE"),
        *(row for n in range(40) for row in tried(f"easy {n:02}", "human", disposition="NI")),
        *(row for n in range(25) for row in tried(f"second {n:02}", "busy", "human", every=DAY)),
        *(row for n in range(9) for row in tried(f"third {n}", *two, "human", every=DAY)),
        *(row for n in range(30) for row in tried(f"hard {n:02}", *["no_answer"] * 6, every=DAY)),
    ]
    due = reach(log(*rows), codes(**flags), as_of="2025-03-09", limit=99).due
    # with leads this unequal, a second failure makes another attempt not worth it
    assert set(due.lead_id) == {"agreed", "caller", "dropped", "open"}
    assert due.why.tolist() == ["callback", "callback", "dropped", "unreached"]
    assert due.chance.between(0, 1).all()
    chance = due.set_index("lead_id").chance
    # whoever answered once is easier than it seemed
    assert chance["dropped"] > chance["open"]
    short = reach(log(*rows), codes(**flags), as_of="2025-03-09", limit=1)
    assert len(short.due) == 1 and "3 more" in short.actions().note


def test_without_dispositions_dropped_calls_are_still_owed():
    result = reach(log(*tried("a", "dropped"), *tried("b", "human")), as_of="2025-03-09")
    assert result.due.lead_id.tolist() == ["a"]


def test_the_band_to_call_in_is_good_and_least_tried(result):
    good = result.bands[result.bands.factor_high >= result.bands.factor.max()].band
    assert set(result.due.band) <= set(good)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": (9, 12)}, "rising hours"),
        ({"bands": (0, 12, 12)}, "rising hours"),
        ({"most": 1}, "2 to 50"),
        ({"worth": 1.5}, "share"),
        ({"limit": 0}, "1 or more"),
    ],
)
def test_impossible_requests_are_refused(options, words):
    with pytest.raises(ParameterError, match=words):
        found(**options)


def test_it_is_read_in_both_languages(result):
    for language in ("en", "zh"):
        with reading(language=language, currency="CNY"):
            assert ("线索" in result.headline) == (language == "zh")
            assert all(table.json()["rows"] for table in result.tables().values())
            assert all(result.plot(kind).alt for kind in ("attempts", "hours", "weekdays"))
            assert result.findings() and result.key_figures() and result.actions().json()

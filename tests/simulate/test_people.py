"""The pure process against theory; every mean within 4 standard errors, seeds fixed."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import hyp2f1

from crmkit.simulate import PriceChange, Spending, World
from crmkit.simulate.clock import Span, acquisition_clock, business_clock
from crmkit.simulate.people import NOBODY, draw_people, draw_purchases

MANY = World(customers=30_000, days=500, seed=5, spending=Spending(p=6.0, q=4.5, v=140.0))


def within(values: np.ndarray, expected: float, sigmas: float = 4.0) -> bool:
    error = values.std(ddof=1) / np.sqrt(len(values))
    return bool(abs(values.mean() - expected) < sigmas * error)


def repeats(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Repeat purchases of each customer, and the weeks each was followed."""
    people = draw_people(world)
    rows = draw_purchases(world, people)
    bought = (rows.customer != NOBODY) & ~rows.refunded
    counts = np.bincount(rows.customer[bought], minlength=len(people))
    return counts - 1, Span(world).weeks - people.arrived


def expected_repeats(t: np.ndarray, r: float, alpha: float, a: float, b: float) -> np.ndarray:
    """E[X(t)] of Fader, Hardie and Lee (2005), equation 9."""
    shrink = (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t))
    return (a + b - 1) / (a - 1) * (1 - shrink)


@pytest.mark.parametrize("calendar", [False, True])
def test_purchases_follow_bg_nbd(calendar: bool) -> None:
    world = replace(MANY.pure(), calendar=calendar)
    x, t = repeats(world)
    m = world.buying
    assert within(x - expected_repeats(t, m.r, m.alpha, m.a, m.b), 0.0)
    nobody = (m.alpha / (m.alpha + t)) ** m.r
    assert within((x == 0) - nobody, 0.0)


def test_a_wrong_model_would_be_noticed() -> None:
    x, t = repeats(MANY.pure())
    m = MANY.buying
    assert not within(x - expected_repeats(t, m.r, m.alpha * 1.1, m.a, m.b), 0.0)


def test_traits_have_the_means_of_their_distributions() -> None:
    people = draw_people(MANY.pure())
    m, s = MANY.buying, MANY.spending
    assert within(people.rate, m.r / m.alpha)
    assert within(people.dropout, m.a / (m.a + m.b))
    assert within(people.mean_order, s.mean)
    assert s.mean == pytest.approx(6.0 * 140.0 / 3.5)


def test_order_values_follow_gamma_gamma() -> None:
    world = MANY.pure()
    people = draw_people(world)
    rows = draw_purchases(world, people)
    first = (rows.customer != NOBODY) & ~rows.refunded & (rows.number == 1)
    values = rows.cents[first] / 100
    assert within(values, world.spending.mean)
    ratio = values / people.mean_order
    assert within((ratio - 1) ** 2, 1 / world.spending.p)


def test_times_between_purchases_are_exponential_in_exact_weeks() -> None:
    world = replace(MANY.pure(), customers=4000)
    people = draw_people(world)
    rows = draw_purchases(world, people)
    span = Span(world)
    second = (rows.customer != NOBODY) & ~rows.refunded & (rows.number == 2)
    who = rows.customer[second]
    gap = rows.at[second] / 604_800 - people.arrived[who]
    room = span.weeks - people.arrived[who]
    rate = people.rate[who]
    uniform = np.expm1(-rate * gap) / np.expm1(-rate * room)  # the truncated exponential's law
    assert within(uniform, 0.5)
    assert within((uniform - 0.5) ** 2, 1 / 12)


def test_nobody_buys_after_leaving_and_only_once_leave_at_the_first() -> None:
    world = World(customers=3000, days=500)
    people = draw_people(world)
    rows = draw_purchases(world, people)
    bought = (rows.customer != NOBODY) & ~rows.refunded
    count = np.bincount(rows.customer[bought], minlength=len(people))
    assert (count - 1 <= people.last_repeat).all()
    assert (count[people.once] == 1).all()
    assert (people.last_repeat[~people.once] >= 1).all()
    assert not draw_people(world.pure()).once.any()


def test_channels_move_rate_and_one_timers_as_planted() -> None:
    world = World(customers=30_000)
    people = draw_people(world)
    usual = world.buying.r / world.buying.alpha
    for position, channel in enumerate(world.channels):
        of_it = people.channel == position
        assert within(people.rate[of_it], usual * channel.rate)
        assert abs(people.once[of_it].mean() - channel.once) < 0.04
        assert within(of_it, channel.share)


def test_the_calendar_moves_orders_to_busy_days_and_hours() -> None:
    world = World(customers=8000, days=426, promotions=())
    rows = draw_purchases(world, draw_people(world))
    local = Span(world).local(rows.at[~rows.refunded])
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    day = local.astype("datetime64[D]")
    assert np.mean((hour >= 8) & (hour < 22)) > 0.9
    assert np.mean(hour < 6) < 0.02

    def a_day(first: str, last: str) -> float:
        days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
        return float(np.isin(day, days).sum() / len(days))

    assert a_day("2025-01-27", "2025-02-04") < 0.5 * a_day("2025-02-05", "2025-02-25")
    assert a_day("2024-11-01", "2024-11-11") > 1.3 * a_day("2024-11-12", "2024-11-30")
    weekday = (day.astype(int) + 3) % 7
    counts = np.bincount(weekday, minlength=7)
    assert counts[6] < 0.85 * counts[:4].mean()


def test_clocks_show_the_same_length_and_go_back_and_forth() -> None:
    span = Span(World(days=100))
    for clock in (business_clock(span), acquisition_clock(span)):
        assert clock.business(np.array([0.0, span.weeks])) == pytest.approx([0, span.weeks])
        moments = np.linspace(0, span.weeks, 997)
        assert clock.calendar(clock.business(moments)) == pytest.approx(moments, abs=1e-9)
    pure = Span(World(days=100).pure())
    assert business_clock(pure).business(moments) == pytest.approx(moments, abs=1e-12)


def test_days_are_local_where_clocks_change() -> None:
    world = World(start=dt.date(2024, 3, 30), days=3, timezone="Europe/Berlin", customers=300)
    span = Span(world)
    assert span.seconds == 71 * 3600
    at = np.array([0, 25 * 3600 + 3599, 26 * 3600])
    assert span.local(at).astype(str).tolist() == [
        "2024-03-30T00:00:00",
        "2024-03-31T01:59:59",
        "2024-03-31T03:00:00",
    ]
    assert span.second_of(dt.date(2024, 4, 1)) == 47 * 3600


def test_promotions_bring_more_customers_who_leave() -> None:
    demo = World.preset("demo")
    people = draw_people(demo)
    span = Span(demo)
    arrived = business_clock(span).calendar(people.arrived)
    promotion = demo.promotions[0]
    won = span.within(arrived, promotion.first, promotion.last)
    usual = draw_people(replace(demo, promotions=()))
    before = span.within(
        business_clock(span).calendar(usual.arrived), promotion.first, promotion.last
    )
    assert 2.5 < won.sum() / before.sum() < 3.2
    planted = 1 - (1 - promotion.once) * (1 - people.once[~won].mean())
    assert abs(people.once[won].mean() - planted) < 0.05


def test_prices_change_from_their_day_on() -> None:
    world = World(customers=2000)
    people = draw_people(world)
    usual = draw_purchases(world, people)
    dearer = replace(world, prices=(PriceChange(dt.date(2024, 7, 1), 2.0),))
    changed = draw_purchases(dearer, people)
    later = usual.at >= Span(world).second_of(dt.date(2024, 7, 1))
    sold = ~usual.refunded
    assert np.array_equal(changed.cents[~later & sold], usual.cents[~later & sold])
    assert np.abs(changed.cents - 2 * usual.cents)[later & sold].max() <= 1


def test_refunds_follow_their_order_and_never_exceed_it() -> None:
    world = World(customers=8000)
    rows = draw_purchases(world, draw_people(world))
    sold = {
        (c, n): (at, cents)
        for c, n, at, cents, back in zip(
            rows.customer, rows.number, rows.at, rows.cents, rows.refunded, strict=True
        )
        if not back
    }
    backs = np.flatnonzero(rows.refunded)
    assert len(backs) > 300
    for i in backs:
        at, cents = sold[rows.customer[i], rows.number[i]]
        assert rows.at[i] > at
        assert 0 < -rows.cents[i] <= cents
    in_full = np.mean([-rows.cents[i] == sold[rows.customer[i], rows.number[i]][1] for i in backs])
    assert abs(in_full - world.refund_in_full) < 0.08
    assert (rows.cents[~rows.refunded] > 0).all()


def test_a_question_of_its_own_leaves_other_answers_alone() -> None:
    world = World(customers=800)
    people = draw_people(world)
    usual = draw_purchases(world, people)
    others = replace(world, anonymous=0.9, refund_in_full=0.1, loyalty=1.0)
    changed = draw_purchases(others, draw_people(others))
    for name in ("customer", "number", "at", "cents", "channel"):
        known = [
            vars(rows)[name][~rows.refunded & (rows.customer >= 0)] for rows in (usual, changed)
        ]
        assert np.array_equal(*known)


def test_more_customers_leave_the_traits_of_the_first_alone() -> None:
    few, more = draw_people(World(customers=50)), draw_people(World(customers=60))
    for name in ("rate", "dropout", "mean_order", "channel", "place", "industry", "favourite"):
        assert np.array_equal(vars(few)[name], vars(more)[name][:50])

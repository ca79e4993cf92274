import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from crmkit.errors import ParameterError
from crmkit.simulate import Buying, Channel, Promotion, Season, Spending, World, firm


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"customers": -1}, "customers is -1. Give a whole number of 0 or more"),
        ({"customers": 2.5}, "customers is 2.5"),
        ({"days": 0}, "days is 0. Give a whole number of 1 or more"),
        ({"seed": -3}, "seed is -3"),
        ({"start": "1969-12-31"}, "Give another start or fewer days"),
        ({"start": "2024-13-01"}, "not a day"),
        ({"days": 20_000}, "leaves the years"),
        ({"timezone": "Asia/Shangai"}, "Did you mean 'Asia/Shanghai'"),
        ({"currency": "RMB"}, "ISO 4217"),
        ({"growth": 0}, "growth is 0. Give a number above 0"),
        ({"anonymous": -0.1}, "anonymous is -0.1"),
        ({"loyalty": 1.2}, "loyalty is 1.2. Give a share from 0 to 1"),
        ({"weekdays": (1.0,) * 6}, "weekdays has 6 weights. Give 7"),
        ({"hours": (0.0,) * 24}, "at least one of them above 0"),
        ({"channels": ()}, "the shares of channels"),
        ({"channels": (Channel("a", -1.0), Channel("b", 2.0))}, "weights of 0 or more"),
    ],
)
def test_a_world_that_cannot_be_says_what_to_change(changes: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        World(**changes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Buying(r=0, alpha=1, a=1, b=1), "buying.r is 0"),
        (lambda: Spending(p=1, q=1, v=1), "mean order infinite. Give q above 1"),
        (lambda: Channel("x", 1, once=1.5), "channel 'x': once"),
        (lambda: Channel("x", 1, rate=0), "channel 'x': rate"),
        (lambda: Season("s", dt.date(2024, 2, 2), dt.date(2024, 2, 1), 1), "before it begins"),
        (lambda: Season("s", dt.date(2024, 2, 1), dt.date(2024, 2, 1), -1), "Give 0 or more"),
        (
            lambda: Promotion("p", dt.date(2024, 2, 1), dt.date(2024, 2, 1), 0, 0),
            "acquisition is 0",
        ),
    ],
)
def test_a_part_that_cannot_be_says_what_to_change(make, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        make()


def test_a_firm_that_never_opens_is_refused() -> None:
    sunday_closed = World(start=dt.date(2024, 1, 7), days=1, weekdays=(1, 1, 1, 1, 1, 1, 0))
    with pytest.raises(ParameterError, match="never open from 2024-01-07 to 2024-01-07"):
        firm(sunday_closed)


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"Did you mean 'small'\? There are: small, demo"):
        World.preset("smal")


def test_the_demo_is_long_and_ends_inside_a_month_and_a_week() -> None:
    world = World.preset("demo")
    assert world.customers == 20_000
    assert world.days > 18 * 31
    assert (world.last + dt.timedelta(days=1)).day != 1
    assert world.last.isoweekday() != 7


def test_streams_depend_on_their_name_and_the_seed_only() -> None:
    world = World(seed=1)
    alone = world.stream("b").random(3)
    world.stream("a").random(1000)
    assert np.array_equal(world.stream("b").random(3), alone)
    assert not np.array_equal(world.stream("a").random(3), alone)
    assert not np.array_equal(replace(world, seed=2).stream("b").random(3), alone)


def test_a_start_may_be_given_as_words() -> None:
    assert World(start="2024-02-28", days=3).last == dt.date(2024, 3, 1)  # type: ignore[arg-type]


def test_the_large_firm_is_made_in_parts_with_streams_and_ids_of_their_own() -> None:
    world = World.preset("large")
    pieces = world.split()
    assert sum(piece.customers for piece in pieces) == world.customers == 1_000_000
    assert len({piece.tag for piece in pieces}) == world.parts == 50
    draws = {float(piece.stream("purchase rate").random()) for piece in pieces}
    assert len(draws) == 50
    assert World(customers=3).split() == (World(customers=3),)


def test_the_days_met_are_the_last_ones() -> None:
    world = World.preset("demo")
    assert (world.last - world.met_from).days == 179
    short = replace(world, days=20)
    assert short.met_from == short.start

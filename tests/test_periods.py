"""Days, weeks and months in the book's timezone."""

import datetime as dt
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit import periods
from crmkit.errors import ParameterError


def _table(*instants: str):
    return ibis.memtable(pd.DataFrame({"at": pd.to_datetime(list(instants))}))


@pytest.mark.parametrize(
    ("utc", "zone", "day"),
    [
        ("2011-03-31 23:30", "Europe/London", "2011-04-01"),  # summer time since 27 March
        ("2011-03-26 23:30", "Europe/London", "2011-03-26"),  # not yet
        (
            "2011-10-30 00:30",
            "Europe/London",
            "2011-10-30",
        ),  # 01:30 BST, before the clock goes back
        ("2024-02-29 16:00", "Asia/Shanghai", "2024-03-01"),
        ("1988-07-01 15:30", "Asia/Shanghai", "1988-07-02"),  # China had summer time until 1991
        ("2024-03-10 07:30", "America/New_York", "2024-03-10"),
        ("1969-12-31 16:00", "Asia/Shanghai", "1970-01-01"),
    ],
)
def test_local_day(utc, zone, day):
    found = periods.day_number(_table(utc).at, zone).execute()
    assert found.tolist() == [periods.number_of(day, "day")]


@pytest.mark.parametrize("zone", ["Europe/London", "Asia/Shanghai", "America/Sao_Paulo", "UTC"])
def test_local_time_agrees_with_the_zone_database(zone):
    rng = np.random.default_rng(7)
    seconds = np.sort(rng.integers(0, 2_400_000_000, 3_000))
    utc = pd.to_datetime(seconds, unit="s").astype("datetime64[us]")
    shown = periods.local_time(ibis.memtable(pd.DataFrame({"at": utc})).at, zone).execute()
    place = ZoneInfo(zone)
    truth = [
        dt.datetime.fromtimestamp(int(s), dt.UTC).astimezone(place).replace(tzinfo=None)
        for s in seconds
    ]
    assert sorted(shown.tolist()) == sorted(pd.Timestamp(t) for t in truth)


def test_a_limit_makes_the_same_times():
    instants = _table("2011-03-31 23:30", "2011-10-30 00:30", "2010-01-01 00:00")
    limited = periods.local_time(instants.at, "Europe/London", until=dt.datetime(2012, 1, 1))
    assert limited.execute().equals(periods.local_time(instants.at, "Europe/London").execute())


@pytest.mark.parametrize("period", ["day", "week", "month", "quarter", "year"])
def test_expression_and_python_number_the_same_period(period):
    days = pd.date_range("1999-12-25", "2001-01-10", freq="D")
    table = ibis.memtable(pd.DataFrame({"at": days.astype("datetime64[us]")}))
    found = table.mutate(n=periods.period_number(table.at, period, "UTC")).execute()
    for at, number in zip(found["at"], found["n"], strict=True):
        assert number == periods.number_of(at.date(), period)
        start = periods.period_start(number, period)
        assert start <= at.date() < periods.period_start(number + 1, period)


def test_weeks_begin_on_monday():
    assert periods.period_start(periods.number_of("2010-12-26", "week"), "week").weekday() == 0


def test_a_day_with_a_clock_change_is_23_or_25_hours_long():
    def hours(day: str) -> float:
        length = periods.day_end(day, "Europe/London") - periods.day_start(day, "Europe/London")
        return length.total_seconds() / 3600

    assert [hours(d) for d in ("2011-03-27", "2011-10-30", "2011-07-01")] == [23, 25, 24]


@pytest.mark.parametrize(
    ("day", "period", "before"),
    [
        ("2011-11-30", "month", "2011-10-31"),
        ("2012-02-29", "year", "2011-02-28"),
        ("2012-03-31", "quarter", "2011-12-31"),
        ("2012-03-15", "month", "2012-02-15"),
        ("2012-03-07", "week", "2012-02-29"),
        ("2012-01-01", "day", "2011-12-31"),
    ],
)
def test_earlier(day, period, before):
    assert periods.earlier(day, period) == dt.date.fromisoformat(before)


def test_errors_name_what_would_do():
    with pytest.raises(ParameterError, match=r"YYYY-MM-DD"):
        periods.day("31.02.2011")
    with pytest.raises(ParameterError, match=r"'Asia/Shanghai'"):
        periods.zone("Asia/Shanghia")
    with pytest.raises(ParameterError, match=r"day, week, month"):
        periods.number_of("2011-01-01", "fortnight")

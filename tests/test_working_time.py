"""Working time over weekends, holidays, nights, lunch breaks and daylight saving."""

import datetime as dt
import random
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
import pytest

from crmkit.errors import ParameterError
from crmkit.working_hours import WorkingHours, working_hours
from crmkit.working_time import with_working_time

OFFICE = "Mon-Fri 09:00-12:00, 13:30-18:00; Sat 09:00-12:00"
H = 3600


def between(hours: WorkingHours, pairs: list[tuple[str, str]], zone: str) -> list[int | None]:
    """Working seconds between local moments."""

    def utc(words: str | None) -> dt.datetime | None:
        if words is None:
            return None
        wall = dt.datetime.fromisoformat(words).replace(tzinfo=ZoneInfo(zone))
        return wall.astimezone(dt.UTC).replace(tzinfo=None)

    rows = ibis.memtable(
        {
            "n": list(range(len(pairs))),
            "a": [utc(a) for a, _ in pairs],
            "b": [utc(b) for _, b in pairs],
        },
        schema={"n": "int64", "a": "timestamp", "b": "timestamp"},
    )
    found = with_working_time(
        rows, hours, {"wait": ("a", "b")},
        timezone=zone, first=dt.date(2025, 1, 1), last=dt.date(2025, 12, 31),
    )  # fmt: skip
    values = found.order_by("n").wait.execute()
    return [None if pd.isna(value) else int(value) for value in values]


CASES = {
    "within an hour": ("2025-03-03 10:00", "2025-03-03 10:30", 30 * 60),
    "over lunch": ("2025-03-03 11:50", "2025-03-03 13:40", 20 * 60),
    "in the lunch break": ("2025-03-03 12:10", "2025-03-03 13:00", 0),
    "over night": ("2025-03-03 17:50", "2025-03-04 09:05", 15 * 60),
    "came at night": ("2025-03-03 23:00", "2025-03-04 09:05", 5 * 60),
    "answered before opening": ("2025-03-03 23:00", "2025-03-04 08:00", 0),
    "over the weekend": ("2025-03-07 17:00", "2025-03-10 10:00", H + 3 * H + H),
    "on a Sunday": ("2025-03-09 10:00", "2025-03-09 12:00", 0),
    "a whole week": ("2025-03-03 00:00", "2025-03-10 00:00", 5 * int(7.5 * H) + 3 * H),
    "edge at closing": ("2025-03-03 18:00", "2025-03-04 09:00", 0),
    "backwards": ("2025-03-03 10:30", "2025-03-03 10:00", -30 * 60),
}


def test_hand_made_cases() -> None:
    pairs = [(start, end) for start, end, _ in CASES.values()]
    found = between(working_hours(OFFICE), pairs, "Asia/Shanghai")
    assert dict(zip(CASES, found, strict=True)) == {name: case[2] for name, case in CASES.items()}


def test_holidays_are_off_and_moved_weekends_are_worked() -> None:
    hours = working_hours(OFFICE, holidays=["2025-10-01", "2025-10-02"], workdays=["2025-09-28"])
    pairs = [("2025-09-30 17:00", "2025-10-03 10:00"), ("2025-09-28 16:00", "2025-09-28 20:00")]
    assert between(hours, pairs, "Asia/Shanghai") == [2 * H, 2 * H]


def test_an_hour_that_daylight_saving_takes_or_repeats_counts_as_it_lasted() -> None:
    night = working_hours("Mon-Sun 22:00-06:00")
    pairs = [
        ("2025-03-08 22:00", "2025-03-09 06:00"),  # New York springs forward
        ("2025-11-01 22:00", "2025-11-02 06:00"),  # and falls back
        ("2025-06-01 22:00", "2025-06-02 06:00"),
    ]
    assert between(night, pairs, "America/New_York") == [7 * H, 9 * H, 8 * H]
    day = working_hours("Mon-Sun 09:00-17:00")
    assert between(day, [("2025-03-08 16:00", "2025-03-09 10:00")], "America/New_York") == [2 * H]


def test_what_is_not_known_or_outside_the_days_is_blank() -> None:
    pairs = [("2025-03-03 10:00", None), (None, None), ("2019-01-01 10:00", "2025-03-03 10:00")]
    assert between(working_hours(OFFICE), pairs, "UTC") == [None, None, None]


def test_no_hours_give_no_working_time() -> None:
    assert between(working_hours(""), [("2025-03-03 10:00", "2025-03-05 10:00")], "UTC") == [0]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Europe/Berlin"])
def test_random_moments_agree_with_counting_minutes(zone: str) -> None:
    chance = random.Random(7)
    hours = working_hours(
        "Mon-Thu 08:00-12:00, 12:30-17:15; Fri 22:00-02:00; Sun 00:00-24:00",
        holidays=["2025-03-31", "2025-10-27"], workdays=["2025-03-29"],
    )  # fmt: skip
    starts = [dt.datetime(2025, 3, 27), dt.datetime(2025, 10, 23), dt.datetime(2025, 3, 6)]
    pairs, wanted = [], []
    for _ in range(60):
        start = chance.choice(starts) + dt.timedelta(minutes=chance.randrange(4 * 1440))
        end = start + dt.timedelta(minutes=chance.randrange(3 * 1440))
        pairs.append((start, end))
        minutes = int((end - start).total_seconds() // 60)
        every = (start + dt.timedelta(minutes=n) for n in range(minutes))
        wanted.append(60 * sum(_open(hours, minute, zone) for minute in every))
    columns = {"n": list(range(60)), "a": [a for a, _ in pairs], "b": [b for _, b in pairs]}
    rows = ibis.memtable(columns)
    found = with_working_time(
        rows, hours, {"wait": ("a", "b")},
        timezone=zone, first=dt.date(2025, 3, 1), last=dt.date(2025, 11, 30),
    )  # fmt: skip
    assert found.order_by("n").wait.execute().tolist() == wanted


def _open(hours: WorkingHours, minute: dt.datetime, zone: str) -> bool:
    """Whether a minute of UTC is worked, by its own wall clock."""
    local = minute.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))
    second = local.hour * 3600 + local.minute * 60
    return any(start <= second < end for start, end in hours.of(local.date()))


UNREADABLE = (
    "Mo 9-12", "Mon-Fri", "Mon 9:00-25:00", "Mon 09:00-12:60", "Mon 09:00/12:00", "9:00-12:00",
)  # fmt: skip


@pytest.mark.parametrize("words", UNREADABLE)
def test_hours_that_cannot_be_read_are_refused_with_an_example(words: str) -> None:
    with pytest.raises(ParameterError, match=r"cannot be read. Give weekdays and hours, such as"):
        working_hours(words)


def test_hours_that_overlap_are_refused() -> None:
    with pytest.raises(ParameterError, match="overlap"):
        working_hours("Mon 09:00-12:00, 11:00-13:00")

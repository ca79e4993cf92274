"""What a cell of text means, one by one."""

import datetime as dt
from decimal import Decimal

import duckdb
import pytest

from crmkit.imports import cells


def value(sql: str, given: str | None):
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(f"SELECT {sql} FROM (SELECT ?::VARCHAR AS x)", [given]).fetchone()[0]


def instant(given: str, zone: str = "UTC", formats: tuple[str, ...] = ()):
    local = cells.wall("x", formats, typed=False)
    return value(cells.instant("x", f"({local})", formats, zone), given)


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        ("1", "1"),
        ("2.55", "2.55"),
        ("1,234.50", "1234.5"),
        ("￥１２，３４５．６", "12345.6"),
        ("(3.20)", "-3.2"),
        ("12.5-", "-12.5"),
        ("$ -4", "-4"),
        ("CNY 88", "88"),
        ("88元", "88"),
        ("1'234.5", "1234.5"),
        ("1,23,456", "123456"),
        ("1e3", "1000"),
        ("1,23", None),
        ("12,5", None),
        ("1.2.3", None),
        ("abc", None),
        ("nan", None),
        ("inf", None),
        ("999999999999999", None),
    ],
)
def test_money(given, amount):
    assert value(cells.money("x"), given) == (None if amount is None else Decimal(amount))


def test_decimal_comma():
    assert value(cells.money("x", ","), "1.234,56 €") == Decimal("1234.56")
    assert value(cells.money("x", ","), "12,5") == Decimal("12.5")
    assert value(cells.money("x", ","), "12.5") is None


@pytest.mark.parametrize(
    ("given", "known"),
    [("  a ", "a"), ("\u3000未知 ", None), ("", None), ("-", None), ("N/A", None), ("无", None)],
)
def test_missing_labels(given, known):
    assert value(cells.known(f"({cells.trimmed('x')})"), given) == known


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("2011-12-09 08:26:00", (2011, 12, 9, 8, 26)),
        ("2011-12-09T08:26", (2011, 12, 9, 8, 26)),
        ("2011/12/9 8:26", (2011, 12, 9, 8, 26)),
        ("2011年12月9日", (2011, 12, 9)),
        ("2011年12月9日 8:26", (2011, 12, 9, 8, 26)),
        ("20111209", (2011, 12, 9)),
        ("9 Dec 2011", (2011, 12, 9)),
        ("40513.351388888885", (2010, 12, 1, 8, 26)),
        ("2011-07-01T00:00:00+08:00", (2011, 6, 30, 16)),
        ("2011-07-01 00:00:00Z", (2011, 7, 1)),
        ("2011-07-01 10:00:00.123456789", (2011, 7, 1, 10, 0, 0, 123456)),
        ("2011-02-31", None),
        ("31/12/2011", None),
        ("11-01-01", None),
        ("0011-01-01", None),
        ("soon", None),
    ],
)
def test_dates(given, found):
    assert instant(given) == (
        None if found is None else dt.datetime(*(*found, 0, 0)[: max(len(found), 5)])
    )


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Asia/Shanghai", "UTC"])
def test_wall_clock_to_utc_agrees_with_zoneinfo(zone):
    from zoneinfo import ZoneInfo

    at = dt.datetime(2011, 1, 1)
    walls = [at + dt.timedelta(minutes=30 * i) for i in range(2 * 24 * 365)]
    place = ZoneInfo(zone)
    expected = [w.replace(tzinfo=place).astimezone(dt.UTC).replace(tzinfo=None) for w in walls]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        sql = cells.instant("'x'", "w", (), zone)
        found = con.execute(
            f"SELECT {sql} FROM (SELECT TIMESTAMP '2011-01-01' + to_minutes(30 * i) AS w, i"
            f" FROM range({len(walls)}) AS r(i)) ORDER BY i"
        ).fetchall()
    assert [row[0] for row in found] == expected


def test_daylight_saving_by_hand():
    # 01:30 did not exist on 27 March 2011: it is shifted forward to 02:30 BST, which is 01:30 UTC
    assert instant("2011-03-27 01:30", "Europe/London") == dt.datetime(2011, 3, 27, 1, 30)
    # 01:30 came twice on 30 October 2011: the first was BST
    assert instant("2011-10-30 01:30", "Europe/London") == dt.datetime(2011, 10, 30, 0, 30)


def test_formats_given_are_the_only_ones():
    assert instant("09.12.2011", formats=("%d.%m.%Y",)) == dt.datetime(2011, 12, 9)
    assert instant("2011-12-09", formats=("%d.%m.%Y",)) is None
    zoned = ("%d.%m.%Y %H:%M %z",)
    assert instant("09.12.2011 08:00 +0200", formats=zoned) == dt.datetime(2011, 12, 9, 6)


def test_flags_counts_numbers_and_lists():
    assert [value(cells.flag("x"), g) for g in ("是", "TRUE", "0", "maybe")] == [
        True,
        True,
        False,
        None,
    ]
    assert [value(cells.count("x"), g) for g in ("5", "5.0", "5.5", "1,000")] == [5, 5, None, 1000]
    assert [value(cells.real("x"), g) for g in ("1.5", "inf", "1,000.5")] == [1.5, None, 1000.5]
    assert value(cells.texts("x"), "甲、乙；丙") == ["甲", "乙", "丙"]
    assert value(cells.texts("x"), "['a', 'b']") == ["a", "b"]
    assert value(cells.label("x", ("won", "lost")), "Won") == "won"

"""Words, numbers and dates in both languages."""

import pandas as pd
import pytest

from crmkit import text
from crmkit.errors import ParameterError


def test_english():
    text.set_reader(language="en", currency="CNY")
    assert text.number(1234567.5, 1) == "1,234,567.5"
    assert text.compact(8_911_407) == "8.9M"
    assert text.day("2011-12-09") == "9 Dec 2011"
    assert text.period("2011-12-01", "month") == "Dec 2011"
    assert text.points(0.024) == "+2.4 points"


def test_chinese():
    text.set_reader(language="zh", currency="CNY")
    assert text.compact(8_911_407) == "891.1万"
    assert text.compact(123_456_789) == "1.2亿"
    assert text.money(8_911_407.9, short=True) == "¥891.1万"
    assert text.money(12.5) == "¥12.50"
    assert text.day("2011-12-09") == "2011年12月9日"
    assert text.period("2011-12-01", "month") == "2011年12月"
    assert text.points(-0.024) == "−2.4 个百分点"


@pytest.mark.parametrize("unknown", [None, float("nan"), pd.NA, pd.NaT])
def test_the_unknown_is_blank(unknown):
    for write in (text.number, text.compact, text.money, text.percent, text.points, text.change):
        assert write(unknown) == ""
    assert text.day(unknown) == ""
    assert text.span(unknown, 1) == ""


def test_no_minus_zero():
    assert text.number(-0.0001) == "0"
    assert text.percent(-0.00001) == "0.0%"


def test_values_are_not_read_as_names():
    assert text.say("{n} points", n="{n} {evil}") == "{n} {evil} points"


def test_reading_restores_the_reader():
    with text.reading(language="zh", currency="CNY"):
        assert text.reader().language == "zh"
    assert text.reader() == text.Reader()


def test_unknown_language_and_currency():
    with pytest.raises(ParameterError, match=r"en, zh"):
        text.set_reader(language="fr")
    with pytest.raises(ParameterError, match=r"'CNY'"):
        text.set_reader(currency="RMB")

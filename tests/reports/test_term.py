"""A period says which day counts last."""

import datetime as dt

import pytest

from crmkit import text
from crmkit.errors import ParameterError
from crmkit.reports.term import report_term, term_words


@pytest.mark.parametrize(
    ("period", "last", "english", "chinese"),
    [
        ("2011-11", "2011-11-30", "Nov 2011", "2011年11月"),
        ("2012-02", "2012-02-29", "Feb 2012", "2012年2月"),
        ("2011-W48", "2011-12-04", "2011-W48", "2011-W48"),
        ("2020-W53", "2021-01-03", "2020-W53", "2020-W53"),
        ("2011-Q4", "2011-12-31", "2011 Q4", "2011 Q4"),
        ("2011", "2011-12-31", "2011", "2011 年"),
        ("2011-12-09", "2011-12-09", "9 Dec 2011", "2011年12月9日"),
    ],
)
def test_the_last_day_of_a_period(period: str, last: str, english: str, chinese: str) -> None:
    term = report_term(period, None)
    assert term is not None
    assert (term.label, term.as_of.isoformat()) == (period, last)
    assert term_words(period) == english
    with text.reading(language="zh"):
        assert term_words(period) == chinese


def test_a_day_alone_is_its_own_period() -> None:
    term = report_term(None, "2011-12-09")
    assert term is not None
    assert (term.label, term.as_of) == ("2011-12-09", dt.date(2011, 12, 9))


def test_a_period_so_far() -> None:
    term = report_term("2011-12", "2011-12-09")
    assert term is not None
    assert (term.label, term.as_of) == ("2011-12", dt.date(2011, 12, 9))


def test_neither_gives_none() -> None:
    assert report_term(None, None) is None


def test_a_day_outside_its_period_is_refused() -> None:
    with pytest.raises(ParameterError, match="2011-12-01 is not in the period '2011-11'"):
        report_term("2011-11", "2011-12-01")


@pytest.mark.parametrize("period", ["2011-13", "2011-W54", "2011-Q5", "11-2011", "2011-02-30", ""])
def test_another_shape_is_refused(period: str) -> None:
    with pytest.raises(ParameterError, match="is not a period"):
        report_term(period, None)

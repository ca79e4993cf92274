"""The period a report is about: its label and the last day that counts."""

import datetime as dt
import re
from dataclasses import dataclass

from crmkit import periods, text
from crmkit.errors import ParameterError

__all__ = ["Term", "report_term", "term_kind", "term_words"]

_SHAPES: tuple[tuple[periods.Period, str], ...] = (
    ("day", r"\d{4}-\d{2}-\d{2}"),
    ("month", r"\d{4}-\d{2}"),
    ("week", r"\d{4}-W\d{2}"),
    ("quarter", r"\d{4}-Q[1-4]"),
    ("year", r"\d{4}"),
)


@dataclass(frozen=True, kw_only=True)
class Term:
    """A label, which names the report's folder, and the last day, which counts."""

    label: str
    as_of: dt.date


def report_term(period: str | None, as_of: periods.Day | None) -> Term | None:
    """The period a report is about.

    A period alone is reported at its last day; a day alone is its own period; both together are
    the period so far, at a day inside it.

    Parameters: `period`, such as 2011-11, 2011-W48, 2011-Q4, 2011 or 2011-12-09; `as_of`, a day.
    Returns: a Term, or None where neither is given.
    Raises: ParameterError for a period of another shape, or a day outside its period.

    >>> report_term("2011-11", None)
    Term(label='2011-11', as_of=datetime.date(2011, 11, 30))
    >>> report_term("2011-W48", None).as_of
    datetime.date(2011, 12, 4)
    """
    if period is None:
        if as_of is None:
            return None
        return Term(label=periods.day(as_of).isoformat(), as_of=periods.day(as_of))
    first, last = _days(period)
    at = last if as_of is None else periods.day(as_of)
    if not first <= at <= last:
        raise ParameterError(
            f"The day {at} is not in the period {period!r} ({first} to {last}). "
            "Give a day inside it, or only one of the two."
        )
    return Term(label=period, as_of=at)


def term_words(label: str) -> str:
    """A period's label as a reader says it.

    >>> term_words("2011-11"), term_words("2011-12-09")
    ('Nov 2011', '9 Dec 2011')
    """
    first, kind = _start(label)
    return text.period(first, kind)


def term_kind(label: str) -> periods.Period:
    """The kind of period that a label names.

    >>> term_kind("2011-W48")
    'week'
    """
    return _start(label)[1]


def _days(period: str) -> tuple[dt.date, dt.date]:
    first, kind = _start(period)
    after = periods.period_start(periods.number_of(first, kind) + 1, kind)
    return first, after - dt.timedelta(days=1)


def _start(period: str) -> tuple[dt.date, periods.Period]:
    for kind, shape in _SHAPES:
        if re.fullmatch(shape, period):
            try:
                return _first_day(period, kind), kind
            except ValueError:
                break
    raise ParameterError(
        f"{period!r} is not a period. Give a month (2011-11), week (2011-W48), quarter (2011-Q4), "
        "year (2011) or day (2011-12-09)."
    )


def _first_day(period: str, kind: periods.Period) -> dt.date:
    if kind == "week":
        return dt.date.fromisocalendar(int(period[:4]), int(period[6:]), 1)
    if kind == "quarter":
        return dt.date(int(period[:4]), 3 * int(period[6]) - 2, 1)
    missing = {"year": "-01-01", "month": "-01", "day": ""}[kind]
    return dt.date.fromisoformat(period + missing)

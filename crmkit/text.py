"""Words, numbers, money and dates as a reader sees them, in the reader's language.

English is the language of the source; each other language has gettext catalogues (one `.po` file
for each subject) under `templates/locale`. The reader is set once, by `set_reader`; every sentence
is made when it is read, so one result can be read in two languages.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

import pandas as pd
from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    list_currencies,
)

from crmkit import periods, places
from crmkit.errors import ParameterError, nearest

__all__ = [
    "LANGUAGES",
    "Reader",
    "change",
    "compact",
    "day",
    "message",
    "money",
    "number",
    "percent",
    "period",
    "points",
    "reader",
    "reading",
    "say",
    "set_reader",
    "span",
    "translate",
]

LANGUAGES = {"en": "English", "zh": "简体中文"}
_LOCALES = {"en": Locale.parse("en_GB"), "zh": Locale.parse("zh_Hans_CN")}
_FOLDERS = {"zh": "zh_CN"}
_MINUS = "\N{MINUS SIGN}"
_THIN = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True)
class Reader:
    """For whom words are made: a language and the currency of the book."""

    language: str = "en"
    currency: str = "EUR"


_reader: ContextVar[Reader] = ContextVar("reader", default=Reader())  # noqa: B039 (frozen)


def reader() -> Reader:
    """The reader set now."""
    return _reader.get()


def set_reader(*, language: str = "en", currency: str = "EUR") -> None:
    """Set for whom words, numbers and money are written from here on.

    Parameters: `language`, "en" or "zh"; `currency`, an ISO 4217 code such as "CNY".
    Raises: ParameterError for a language or currency that is not known.

    >>> set_reader(language="en", currency="GBP")
    >>> money(1234.5)
    '£1,234.50'
    >>> set_reader()
    """
    _reader.set(_checked(language, currency))


@contextmanager
def reading(*, language: str, currency: str = "EUR") -> Iterator[None]:
    """Write for another reader inside a `with` block.

    >>> with reading(language="zh", currency="CNY"):
    ...     percent(0.3123)
    '31.2%'
    """
    token = _reader.set(_checked(language, currency))
    try:
        yield
    finally:
        _reader.reset(token)


def _checked(language: str, currency: str) -> Reader:
    if language not in LANGUAGES:
        raise ParameterError(
            f"There is no language {language!r}. Give one of: {', '.join(LANGUAGES)}."
        )
    if currency not in list_currencies():
        guess = nearest(currency.upper(), list_currencies())
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(
            f"{currency!r} is not a currency.{hint} Give an ISO 4217 code such as 'CNY'."
        )
    return Reader(language, currency)


@cache
def _catalogue(language: str) -> dict[str, str]:
    folder = _FOLDERS.get(language)
    if folder is None:
        return {}
    found: dict[str, str] = {}
    for path in sorted((places.templates() / "locale" / folder).glob("*.po")):
        with path.open("rb") as file:
            for entry in read_po(file):
                if entry.id and entry.string and not entry.fuzzy:
                    found[str(entry.id)] = str(entry.string)
    return found


def translate(words: str, language: str) -> str:
    """A message of the catalogue in a language; the English itself where there is none."""
    return _catalogue(language).get(words, words)


def message(words: str) -> str:
    """Mark a constant as a message of the catalogue; `say` translates it later.

    >>> message("Customers")
    'Customers'
    """
    return words


def say(words: str, /, **values: object) -> str:
    """A message in the reader's language, its `{names}` filled in.

    Parameters: `words`, the English message, a literal so that the test of the catalogues finds
    it; `values`, already formatted words for its names.

    >>> say("{n} points", n=number(1.5, 1))
    '1.5 points'
    """
    template = translate(words, reader().language)
    return re.sub(r"\{(\w+)\}", lambda name: str(values.get(name[1], name[0])), template)


def _locale() -> Locale:
    return _LOCALES[reader().language]


def _unknown(value: object) -> bool:
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def _signed(words: str) -> str:
    return words.replace("-", _MINUS)


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands separators; blank where it is not known.

    >>> number(1234567.891, 1), number(float("nan"))
    ('1,234,567.9', '')
    """
    if _unknown(value) or value is None:
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    rounded = round(float(value), digits) + 0.0  # no minus zero
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return _signed(format_decimal(rounded, format=pattern, locale=_locale()))


def compact(value: float | None) -> str:
    """A large number in few characters: 8.9M, in Chinese 891.1万.

    >>> compact(8911407.9), compact(950)
    ('8.9M', '950')
    """
    if _unknown(value) or value is None:
        return ""
    if abs(value) < 10_000:
        return number(value, 0 if float(value).is_integer() or abs(value) >= 100 else 1)
    return _signed(format_compact_decimal(value, locale=_locale(), fraction_digits=1))


def money(value: float | None, *, short: bool = False) -> str:
    """An amount in the reader's currency; `short` for headlines and key figures.

    >>> money(1234.5), money(-2), money(8911407.9, short=True)
    ('€1,234.50', '−€2.00', '€8.9M')
    """
    if _unknown(value) or value is None:
        return ""
    currency, locale = reader().currency, _locale()
    if short and abs(value) >= 10_000:
        words = format_compact_currency(value, currency, locale=locale, fraction_digits=1)
    elif short and abs(value) >= 100:
        words = format_currency(
            round(value), currency, format="¤#,##0", locale=locale, currency_digits=False
        )
    else:
        words = format_currency(value, currency, locale=locale)
    return _signed(words.replace("\N{NO-BREAK SPACE}", _THIN))


def percent(value: float | None, digits: int = 1) -> str:
    """A share as per cent.

    >>> percent(0.31234), percent(1)
    ('31.2%', '100.0%')
    """
    return "" if _unknown(value) or value is None else f"{number(100 * value, digits)}%"


def change(value: float | None, digits: int = 1) -> str:
    """A relative change with its sign.

    >>> change(0.051), change(-0.2)
    ('+5.1%', '−20.0%')
    """
    if _unknown(value) or value is None:
        return ""
    words = percent(value, digits)
    return words if words.startswith(_MINUS) else f"+{words}"


def points(value: float | None, digits: int = 1) -> str:
    """A difference of two shares, in percentage points with its sign.

    >>> points(-0.024)
    '−2.4 points'
    """
    if _unknown(value) or value is None:
        return ""
    words = number(100 * value, digits)
    return say("{n} points", n=words if words.startswith(_MINUS) else f"+{words}")


def span(low: float | None, high: float | None, *, digits: int = 1, rate: bool = True) -> str:
    """The limits of an interval: of a rate in per cent, or of a number.

    >>> span(0.295, 0.331), span(1.5, 2, rate=False)
    ('29.5–33.1%', '1.5–2.0')
    """
    if _unknown(low) or _unknown(high) or low is None or high is None:
        return ""
    if rate:
        return f"{number(100 * low, digits)}–{percent(high, digits)}"
    return f"{number(low, digits)}–{number(high, digits)}"


def day(value: dt.date | str | None) -> str:
    """A calendar day.

    >>> day("2011-11-30")
    '30 Nov 2011'
    """
    if _unknown(value) or value is None:
        return ""
    pattern = "y年M月d日" if reader().language == "zh" else "d MMM y"
    return str(format_date(periods.day(value), format=pattern, locale=_locale()))


def period(first_day: dt.date | str | None, kind: periods.Period) -> str:
    """The name of a calendar period, given its first day.

    >>> period("2010-12-01", "month"), period("2010-12-20", "week"), period("2010-10-01", "quarter")
    ('Dec 2010', '2010-W51', '2010 Q4')
    """
    if _unknown(first_day) or first_day is None:
        return ""
    start = periods.day(first_day)
    if kind == "day":
        return day(start)
    if kind == "week":
        iso = start.isocalendar()
        return f"{iso.year}-W{iso.week:02d}"
    if kind == "month":
        pattern = "y年M月" if reader().language == "zh" else "MMM y"
        return str(format_date(start, format=pattern, locale=_locale()))
    if kind == "quarter":
        return f"{start.year} Q{(start.month - 1) // 3 + 1}"
    return say("{year}", year=start.year)

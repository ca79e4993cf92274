"""The kinds of values in crmkit.toml, each with the check that refuses what cannot be used."""

import codecs
import re
from typing import Annotated

import sqlglot
from babel.core import get_global
from babel.numbers import list_currencies
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from sqlglot import exp
from sqlglot.errors import SqlglotError

from crmkit import periods
from crmkit.errors import ParameterError, nearest
from crmkit.vendors import vendor_codes

__all__ = [
    "Country",
    "Currency",
    "Delimiter",
    "Encoding",
    "Labels",
    "Listed",
    "Part",
    "Sql",
    "Zone",
]


class Part(BaseModel):
    """A section: its settings only, none changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _among(what: str, given: str, valid: list[str]) -> str:
    if given not in valid:
        guess = nearest(given, valid) or nearest(given.upper(), valid)
        hint = f" Did you mean {guess!r}?" if guess else ""
        few = f" There are: {', '.join(valid)}." if len(valid) <= 40 else ""
        raise ValueError(f"there is no {what} {given!r}.{hint}{few}")
    return given


def _zone(name: str) -> str:
    try:
        periods.zone(name)
    except ParameterError as error:
        raise ValueError(str(error)) from None
    return name


def _currency(code: str) -> str:
    return _among("currency", code, sorted(list_currencies()))


def _country(code: str) -> str:
    return _among("country", code, sorted(c for c in get_global("territory_currencies")))


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        known = ["utf-8", "gb18030", "gbk", "big5", "utf-16", "latin-1", "cp1252", "shift_jis"]
        return _among("encoding", name, known)
    return name


def _delimiter(mark: str) -> str:
    if len(mark) != 1 or not mark.isascii() or mark in '"\n\r':
        raise ValueError(f"{mark!r} cannot separate columns; give one character such as ';'")
    return mark


def _sql(words: str) -> str:
    try:
        sqlglot.parse_one(words, dialect="duckdb", into=exp.Condition)
    except SqlglotError as error:
        plain = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()[0]
        raise ValueError(f"{words!r} is not an SQL expression: {plain}") from None
    return words


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _labels(value: object) -> object:
    if not isinstance(value, str):
        return value
    known = vendor_codes()
    if value not in known:
        guess = nearest(value, known)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ValueError(
            f"there is no vendor {value!r}.{hint} There are: {', '.join(known)}; "
            'or give labels, { "given" = "shown" }'
        )
    return dict(known[value])


Zone = Annotated[str, AfterValidator(_zone)]
Sql = Annotated[str, AfterValidator(_sql)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Currency = Annotated[str, AfterValidator(_currency)]
Country = Annotated[str, AfterValidator(_country)]
Encoding = Annotated[str, AfterValidator(_encoding)]
Delimiter = Annotated[str, AfterValidator(_delimiter)]
Labels = Annotated[dict[str, str], BeforeValidator(_labels)]
"""What a column holds and what it shall say; or the name of a vendor whose codes it holds."""

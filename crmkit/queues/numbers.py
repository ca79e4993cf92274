"""What a queue may be made of: whole agents, and times and loads of zero or more."""

import math

from crmkit.errors import ParameterError

__all__ = ["not_negative", "positive", "servers", "share"]


def servers(what: str, value: int) -> int:
    """A whole number of zero or more."""
    if isinstance(value, bool) or value != int(value) or value < 0:
        raise ParameterError(f"{what} is {value!r}. Give a whole number of 0 or more.")
    return int(value)


def not_negative(what: str, value: float) -> float:
    """A finite number of zero or more."""
    if not (0 <= value < math.inf):
        raise ParameterError(f"{what} is {value!r}. Give a number of 0 or more.")
    return float(value)


def positive(what: str, value: float) -> float:
    """A finite number above zero."""
    if not (0 < value < math.inf):
        raise ParameterError(f"{what} is {value!r}. Give a number above 0.")
    return float(value)


def share(what: str, value: float) -> float:
    """A number above 0 and below 1."""
    if not 0 < value < 1:
        raise ParameterError(f"{what} is {value!r}. Give a share between 0 and 1, such as 0.8.")
    return float(value)

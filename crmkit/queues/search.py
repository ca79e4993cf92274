"""The fewest agents or lines that are enough."""

from collections.abc import Callable

from crmkit.errors import ParameterError

__all__ = ["MOST", "fewest"]

MOST = 1_000_000
"""Nobody needs more agents or lines than this."""


def fewest(enough: Callable[[int], bool], *, start: int = 0) -> int:
    """The smallest whole number that is enough, where every larger one is enough too.

    Doubles the step from `start` until it is enough, then halves.
    Parameters: `enough`, asked for whole numbers of `start` or more.
    Raises: ParameterError where a million are not enough.

    >>> fewest(lambda n: n * n >= 50)
    8
    """
    if enough(start):
        return start
    low, step = start, 1
    while not enough(low + step):
        low, step = low + step, 2 * step
        if low > MOST:
            raise ParameterError(f"Not even {MOST:,} are enough. Lower the load or the target.")
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high

"""Erlang B: calls that find every line busy are lost."""

from crmkit.queues.numbers import not_negative, servers, share
from crmkit.queues.search import MOST

__all__ = ["erlang_b", "fewest_lines"]


def erlang_b(load: float, lines: int) -> float:
    """Share of calls that find every line busy and are lost (M/G/c/c).

    It depends on talk times by their mean only.
    Parameters: `load`, in erlangs; `lines`, how many.
    Source: Erlang 1917, by the recursion B(n) = A B(n-1) / (n + A B(n-1)), which cannot overflow.

    >>> round(erlang_b(20, 30), 12)
    0.00845749834
    """
    offered = not_negative("load", load)
    lost = 1.0
    for line in range(1, servers("lines", lines) + 1):
        lost = offered * lost / (line + offered * lost)
    return lost


def fewest_lines(load: float, *, blocked: float) -> int:
    """The fewest lines at which at most the share `blocked` of calls is lost.

    Parameters: `load`, in erlangs; `blocked`, a share between 0 and 1.
    Returns: a whole number; 0 where there is no load.

    >>> fewest_lines(20, blocked=0.01)
    30
    """
    offered, target = not_negative("load", load), share("blocked", blocked)
    lost, lines = 1.0, 0
    while offered > 0 and lost > target and lines < MOST:
        lines += 1
        lost = offered * lost / (lines + offered * lost)
    return lines

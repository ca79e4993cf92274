"""How far two orders of the same things agree."""

import numpy as np
import numpy.typing as npt

__all__ = ["kendall"]


def kendall(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Kendall's tau-b: 1 where both order alike, -1 where one is the reverse; ties allow for it.

    M. G. Kendall, "The treatment of ties in ranking problems" (1945).
    Returns: nan where there are fewer than two things, or one of the orders ties them all.

    >>> kendall([1, 2, 3, 4], [1, 3, 2, 4]), round(kendall([1, 2, 2], [1, 2, 3]), 4)
    (0.6666666666666666, 0.8165)
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    pairs = np.triu_indices(len(x), k=1)
    dx, dy = (np.sign(values[:, None] - values[None, :])[pairs] for values in (x, y))
    scale = np.sqrt(float((dx != 0).sum()) * float((dy != 0).sum()))
    return float((dx * dy).sum() / scale) if scale > 0 else float("nan")

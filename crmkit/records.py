"""The rows of a small frame, one after another."""

from typing import Any

import pandas as pd

__all__ = ["records"]


def records(frame: pd.DataFrame) -> list[Any]:
    """The rows with a field a column, in order.

    >>> [row.n for row in records(pd.DataFrame({"n": [1, 2]}))]
    [1, 2]
    """
    return list(frame.itertuples(index=False))

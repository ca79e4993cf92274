"""Who of a list is held out: drawn by the customer's own number, in each stratum alike."""

import hashlib

import numpy as np
import pandas as pd

from crmkit.errors import ParameterError

__all__ = ["arms"]


def arms(
    people: pd.DataFrame,
    *,
    strata: tuple[str, ...],
    period: str,
    share: float = 0.1,
    seed: int = 0,
    kept: pd.Series | None = None,
) -> pd.Series:
    """The arm of each customer of a list, treated or holdout.

    Within a stratum of n the holdout has n x share customers, rounded up or down at random so that
    everyone's chance is `share` exactly, in strata of one too. Order of rows does not matter. A
    customer's number comes from seed, period and id alone, so that the same list gives the same
    arms; when the list changes within a period, give the arms of before as `kept`.

    Parameters: `people`, one row a `customer_id`, with the columns of `strata`; `period`, the month
    such as "2026-03"; `share`, of the holdout, 0 for none; `kept`, arms by customer_id.
    Returns: the arms, on the index of `people`.
    Raises: ParameterError for a share outside 0 to 1, or a customer on the list twice.

    >>> people = pd.DataFrame({"customer_id": ["a", "b", "c", "d"], "grade": "high"})
    >>> drawn = arms(people, strata=("grade",), period="2026-03", share=0.5)
    >>> drawn.value_counts().to_dict() == {"treated": 2, "holdout": 2}
    True
    """
    if not 0 <= share < 1:
        raise ParameterError(f"holdout = {share} is no share. Give 0 (none) to below 1, as 0.1.")
    if people["customer_id"].duplicated().any():
        raise ParameterError("A customer is on the list twice. Give one row a customer.")
    number = pd.Series(
        [_number(f"{seed}|{period}|{c}") for c in people["customer_id"]], people.index, float
    )
    values = people[list(strata)].astype("string").fillna("").itertuples(index=False)
    keys = pd.Series(["\x1f".join(row) for row in values], people.index, str)
    held = pd.Series(data=False, index=people.index)
    for key, numbers in number.groupby(keys, sort=True):
        start = _number(f"{seed}|{period}|stratum|{key}")
        size = int(np.floor(len(numbers) * share + start))
        held[numbers.sort_values(kind="stable").index[:size]] = True
    drawn = held.map({True: "holdout", False: "treated"})
    if kept is None:
        return drawn
    return people["customer_id"].map(kept).fillna(drawn)


def _number(key: str) -> float:
    """A number of 0 to below 1 that a text always gives."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48

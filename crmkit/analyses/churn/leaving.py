"""What leaving means for a book, and who of a snapshot left by it."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.errors import ParameterError
from crmkit.snapshots import rhythm

__all__ = ["Leaving"]

By = Literal["orders", "activity", "rhythm", "contract"]


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """When a customer counts as gone.

    Parameters: `by`, "orders" (no order for `days`), "activity" (neither order nor event), "rhythm"
    (no order for `times` the customer's own mean time between orders, between `days` and
    `longest`), "contract" (an end within `days`); `gap`, the days after a snapshot that are left
    to act: what happens in them counts for nothing.
    Raises: ParameterError for a value that cannot be.

    >>> Leaving(days=60).followed
    60
    """

    by: By = "orders"
    days: int = 60
    gap: int = 7
    times: float = 3.0
    longest: int = 180

    def __post_init__(self) -> None:
        if self.by not in get_args(By):
            raise ParameterError(f"by={self.by!r} is none of: {', '.join(get_args(By))}.")
        if self.days < 1 or self.gap < 0 or self.times <= 0 or self.longest < self.days:
            raise ParameterError(
                f"days={self.days}, gap={self.gap}, times={self.times}, longest={self.longest}: "
                "give at least a day, no gap below 0, and longest not below days."
            )

    @property
    def followed(self) -> int:
        """The days after the gap that must be known."""
        return self.longest if self.by == "rhythm" else self.days

    def horizon(self, rows: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The days without which each customer counts as gone."""
        if self.by != "rhythm":
            return np.full(len(rows), float(self.days))
        return np.clip(np.round(self.times * rhythm(rows)), self.days, self.longest)

    def staying(self, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Who was not gone at the snapshot: only these can leave."""
        if self.by == "contract":
            return np.ones(len(rows), dtype=bool)
        since = rows.silent if self.by == "activity" else rows.recency
        return np.asarray(since.to_numpy(dtype=float) < self.horizon(rows))

    def left(self, rows: pd.DataFrame) -> npt.NDArray[np.float64]:
        """1 for who left, 0 for who stayed, nan where that is not known yet."""
        horizon = self.horizon(rows)
        if self.by == "contract":
            end = rows.end_in.astype("float64").to_numpy()
            gone = (end > self.gap) & (end <= self.gap + horizon)
        else:
            column = "next_active_in" if self.by == "activity" else "next_in"
            after = rows[column].astype("float64").to_numpy()
            gone = ~(after <= self.gap + horizon)
        known = rows.known.to_numpy(dtype=float) >= self.gap + horizon
        return np.where(known, gone.astype(float), np.nan)

"""What calls cost."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.errors import ParameterError

__all__ = ["Costs"]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What an hour of an agent and a minute of a connected line cost, in the book's currency.

    None is not known; where either is, no cost is computed.
    """

    agent_hour: float | None = None
    line_minute: float | None = None

    def __post_init__(self) -> None:
        for what in ("agent_hour", "line_minute"):
            value = getattr(self, what)
            if value is not None and not 0 <= value < math.inf:
                raise ParameterError(f"{what} is {value!r}. Give an amount of 0 or more, or None.")

    @property
    def known(self) -> bool:
        """Whether both are given."""
        return self.agent_hour is not None and self.line_minute is not None

    def of(self, hours: pd.Series, minutes: pd.Series) -> npt.NDArray[np.float64]:
        """The cost of hours of agents and minutes of lines; NaN where it is not known."""
        spent = np.asarray(hours, dtype=float), np.asarray(minutes, dtype=float)
        if self.agent_hour is None or self.line_minute is None:
            return np.full(len(spent[0]), np.nan)
        return spent[0] * self.agent_hour + spent[1] * self.line_minute

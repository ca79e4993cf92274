"""Volume against quality: which corner a channel stands in, and how it has moved."""

import numpy as np
import pandas as pd

from crmkit.stats import SMALL
from crmkit.text import message

__all__ = ["CORNERS", "placed", "todo"]

CORNERS = {
    "grow": message("Many and good: grow"),
    "discover": message("Few but good: try more"),
    "repair": message("Many but weak: repair"),
    "cut": message("Few and weak: question"),
}
TODO = {
    "grow": message("Raise the budget step by step, and watch the cost of the next customer."),
    "discover": message("Test a larger budget: quality is there, volume is not."),
    "repair": message("Repair the offer and the first weeks before spending more."),
    "cut": message("Cut it or give it one last test with a clear goal."),
}
UNSURE = message("Its quality is that of all customers within chance: leave it, and look again.")


def todo(corner: str, sure: bool) -> str:
    """What to do in a corner, as a message; nothing where there is no corner."""
    if not corner:
        return ""
    return TODO[corner] if sure else UNSURE


def placed(frame: pd.DataFrame, *, quality: str) -> pd.DataFrame:
    """Channels by the customers they brought and how good these are.

    The lines are the mean number of customers of a channel that brought any, and the quality of all
    customers. A channel of fewer than 30 customers on either measure has no corner.

    Parameters: `frame`, as measured, the row of all channels with the key `*`; `quality`, "again"
    or a column of values such as "value_90".
    Returns: channel, volume and quality with limits, n, volume_before, quality_before, corner, sure
    (the interval of quality excludes the line), weak, volume_line, quality_line.
    """
    n, before = _columns(quality)
    rows = frame[(frame.channel != "*") & (frame.customers > 0)]
    line = float(frame.loc[frame.channel == "*", quality].max())
    middle = float(rows.customers.mean()) if len(rows) else float("nan")
    low, high = _limits(quality)
    weak = (rows.customers < SMALL) | (rows[n] < SMALL)
    good, many = rows[quality] >= line, rows.customers >= middle
    corner = np.select(
        [good & many, good & ~many, ~good & many], ["grow", "discover", "repair"], "cut"
    )
    found = pd.DataFrame(
        {
            "channel": rows.channel,
            "volume": rows.customers,
            "volume_low": rows.customers_low,
            "volume_high": rows.customers_high,
            "quality": rows[quality],
            "quality_low": rows[low],
            "quality_high": rows[high],
            "n": rows[n],
            "volume_before": rows.customers_before,
            "quality_before": rows[before],
            "corner": np.where(weak | rows[quality].isna(), "", corner),
            "sure": (rows[low] > line) | (rows[high] < line),
            "weak": weak,
            "volume_line": middle,
            "quality_line": line,
        }
    )
    return found.sort_values(["volume", "channel"], ascending=[False, True], ignore_index=True)


def _columns(quality: str) -> tuple[str, str]:
    """The columns of cases and of the value before."""
    if quality == "again":
        return "aged", "again_before"
    age = quality.removeprefix("value_")
    return f"n_{age}", f"value_before_{age}"


def _limits(quality: str) -> tuple[str, str]:
    if quality == "again":
        return "again_low", "again_high"
    age = quality.removeprefix("value_")
    return f"value_low_{age}", f"value_high_{age}"

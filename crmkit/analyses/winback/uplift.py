"""What an action achieved: treated against held out, by reason and action."""

import pandas as pd

from crmkit.stats import difference_interval, holm, ratio_interval, two_proportions

__all__ = ["uplift"]


def uplift(counted: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """One row for each reason and action, with what cannot be known blank.

    Only customers whose horizon is over count. Uplift is the difference of the shares who bought,
    with Newcombe's interval; ratio with Koopman's; p of the pooled test, adjusted by Holm over all
    rows. Without anyone held out, or anyone treated, all of these are nan.

    Parameters: `counted`, the executed counts. Returns: reason, action, treated, held, unfinished,
    bought_treated, bought_held, uplift, uplift_low, uplift_high, ratio, ratio_low, ratio_high, p,
    p_adjusted, cost, verdict (works, harms, not yet known).
    """
    keys = ["reason", "action"]
    rows = [
        dict(zip(keys, key, strict=True)) | _effect(part, level)
        for key, part in counted[counted.arm != "both"].groupby(keys, dropna=False)
    ]
    frame = pd.DataFrame(rows, columns=[*keys, *_NAMES])
    frame["p_adjusted"] = holm(frame.p.astype("float64"))
    known = frame.p_adjusted <= 1 - level
    frame["verdict"] = "not yet known"
    frame.loc[known & (frame.uplift > 0), "verdict"] = "works"
    frame.loc[known & (frame.uplift < 0), "verdict"] = "harms"
    return frame


_NAMES = [
    "treated", "held", "unfinished", "bought_treated", "bought_held", "uplift", "uplift_low",
    "uplift_high", "ratio", "ratio_low", "ratio_high", "p", "cost",
]  # fmt: skip


def _effect(part: pd.DataFrame, level: float) -> dict[str, float]:
    over = part[part.over.astype(bool)]
    n1, x1 = _sums(over, "treated")
    n0, x0 = _sums(over, "holdout")
    nan = float("nan")
    both = n1 > 0 and n0 > 0
    low, high = difference_interval(x1, n1, x0, n0, level=level)
    ratio_low, ratio_high = ratio_interval(x1, n1, x0, n0, level=level) if both else (nan, nan)
    return {
        "treated": n1,
        "held": n0,
        "unfinished": int(part.n.sum() - over.n.sum()),
        "bought_treated": x1,
        "bought_held": x0,
        "uplift": x1 / n1 - x0 / n0 if both else nan,
        "uplift_low": low,
        "uplift_high": high,
        "ratio": (x1 / n1) / (x0 / n0) if both and x0 else nan,
        "ratio_low": ratio_low,
        "ratio_high": ratio_high,
        "p": two_proportions(x1, n1, x0, n0) if both else nan,
        "cost": float(over.cost.sum()),
    }


def _sums(rows: pd.DataFrame, arm: str) -> tuple[int, int]:
    chosen = rows[rows.arm == arm]
    return int(chosen.n.sum()), int(chosen.buyers.sum())

"""Rules that warn, measured: how many they flag, how often rightly, how many they miss."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmkit.analyses.churn.model import Constant, logistic
from crmkit.analyses.churn.sheets import Rule
from crmkit.errors import ParameterError, nearest
from crmkit.stats import wilson

__all__ = ["flags", "judged", "points"]


def flags(measures: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """One column a rule: whether it warns. What is not known does not warn.

    Raises: ParameterError for a feature that snapshots do not have, naming the nearest.
    """
    found = {}
    for rule in rules:
        if rule.feature not in measures:
            guess = nearest(rule.feature, [str(c) for c in measures.columns])
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(
                f"The rule {rule.rule!r} names no known feature, {rule.feature!r}.{hint}"
            )
        value = measures[rule.feature].astype("float64")
        over = value >= rule.threshold if rule.comparison == "at least" else value <= rule.threshold
        found[rule.rule] = over.fillna(value=False).astype(bool)
    return pd.DataFrame(found, index=measures.index)


def judged(
    flagged: pd.DataFrame, rows: pd.DataFrame, horizon: np.ndarray, rules: Sequence[Rule]
) -> pd.DataFrame:
    """One row a rule: n flagged, hits, precision, recall, lift, lead (days), weight, fitted.

    `lead` is the median number of days from the warning to the day on which the customer counts as
    gone. `fitted` are points by the rules together (log odds, in units that double the odds),
    blank for a rule that never or always warns.
    """
    left = rows.left.to_numpy(dtype=float)
    fitted = points(flagged, left)
    found = []
    for rule in rules:
        on = flagged[rule.rule].to_numpy()
        n, hits, gone = int(on.sum()), float(left[on].sum()), float(left.sum())
        low, high = wilson(hits, n)
        recall_low, recall_high = wilson(hits, gone)
        days = (horizon - rows.recency.to_numpy(dtype=float))[on & (left == 1)]
        base = left.mean() if len(left) else np.nan
        precision = hits / n if n else np.nan
        found.append(
            {
                "rule": rule.rule,
                "n": n,
                "share": n / len(left) if len(left) else np.nan,
                "hits": int(hits),
                "left": int(gone),
                "precision": precision,
                "precision_low": float(low),
                "precision_high": float(high),
                "recall": hits / gone if gone else np.nan,
                "recall_low": float(recall_low),
                "recall_high": float(recall_high),
                "lift": precision / base if base else np.nan,
                "lead": float(np.median(days)) if len(days) else np.nan,
                "weight": rule.weight,
                "fitted": fitted.get(rule.rule, np.nan),
            }
        )
    return pd.DataFrame(found)


def points(flagged: pd.DataFrame, left: np.ndarray) -> dict[str, float]:
    """The weight of each rule beside the others, in points: one more doubles the odds."""
    if not len(left):
        return {}
    model = logistic(flagged.astype(float), left)
    if isinstance(model, Constant):
        return {}
    per_flag = model.coefficients / model.scale / np.log(2)
    return dict(zip(model.names, np.round(per_flag, 1).tolist(), strict=True))

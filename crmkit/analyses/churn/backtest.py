"""How a model would have done: trained on what was known by then, tried on the month that came."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.analyses.churn.model import Model
from crmkit.stats import wilson

__all__ = ["Fit", "backtest", "calibrated", "chosen", "gains", "measured", "suspects", "tried"]

Fit = Callable[[pd.DataFrame, npt.ArrayLike], Model]
_TOO_GOOD = 0.95
_FEWEST = 50
"""Rows of training, and of a trial, below which nothing is tried."""
_BETTER = 0.01
"""What the trees must add to the area under precision and recall to be taken."""


def tried(
    features: pd.DataFrame, rows: pd.DataFrame, fits: Mapping[str, Fit], known_after: int
) -> pd.DataFrame:
    """Chances that models fitted on earlier snapshots give to later ones (rolling origin).

    A snapshot trains only where its labels were complete, `known_after` days after it, by the day
    of the trial.
    Parameters: `rows`, with snapshot and left (0 or 1).
    Returns: snapshot, left and a column for each model; snapshots without training are left out.
    """
    parts = []
    for day in sorted(rows.snapshot.unique()):
        train = (rows.snapshot + known_after <= day).to_numpy()
        test = (rows.snapshot == day).to_numpy()
        if train.sum() < _FEWEST or test.sum() < _FEWEST:
            continue
        found = rows.loc[test, ["customer_id", "snapshot", "left"]]
        for name, fit in fits.items():
            model = fit(features[train], rows.left[train])
            found[name] = model.chance(features[test])
        parts.append(found)
    columns = ["customer_id", "snapshot", "left", *fits]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def backtest(trial: pd.DataFrame, models: list[str], capacity: int) -> pd.DataFrame:
    """One row a snapshot and model.

    snapshot, model, n, left, base, pr_auc, roc_auc; at the team's capacity contacted, hits,
    precision with its interval, and lift.
    """
    rows = []
    for day, part in trial.groupby("snapshot"):
        for name in models:
            rows.append(
                {"snapshot": day, "model": name, **measured(part.left, part[name], capacity)}
            )
    columns = [
        "snapshot", "model", "n", "left", "base", "pr_auc", "roc_auc", "contacted", "hits",
        "precision", "precision_low", "precision_high", "lift",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def measured(left: npt.ArrayLike, chance: npt.ArrayLike, capacity: int) -> dict[str, float]:
    """The measures of one trial; areas are nan where all left or nobody did."""
    from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: PLC0415 (slow)

    y, p = np.asarray(left, dtype=float), np.asarray(chance, dtype=float)
    both = 0 < y.sum() < len(y)
    order = np.argsort(-p, kind="stable")
    contacted = min(capacity, len(y))
    hits = float(y[order[:contacted]].sum())
    low, high = wilson(hits, contacted)
    base = y.mean() if len(y) else np.nan
    precision = hits / contacted if contacted else np.nan
    return {
        "n": len(y),
        "left": int(y.sum()),
        "base": float(base),
        "pr_auc": float(average_precision_score(y, p)) if both else np.nan,
        "roc_auc": float(roc_auc_score(y, p)) if both else np.nan,
        "contacted": contacted,
        "hits": int(hits),
        "precision": precision,
        "precision_low": float(low),
        "precision_high": float(high),
        "lift": precision / base if base > 0 else np.nan,
    }


def chosen(results: pd.DataFrame, readable: str) -> str:
    """The model to use: the readable one, unless another is better by more than a hundredth.

    Better is the mean area under precision and recall over all trials.
    """
    areas = results.groupby("model", sort=False).pr_auc.mean().dropna()
    if areas.empty or readable not in areas or areas.max() <= areas[readable] + _BETTER:
        return readable
    return str(areas.idxmax())


def calibrated(left: npt.ArrayLike, chance: npt.ArrayLike, groups: int = 10) -> pd.DataFrame:
    """Tenths by chance: n, predicted (mean chance), left, rate with Wilson's interval.

    Customers of one chance lie in one tenth, that of their middle place.
    """
    frame = pd.DataFrame({"left": np.asarray(left, float), "chance": np.asarray(chance, float)})
    if frame.empty:
        columns = ["tenth", "n", "predicted", "left", "rate", "rate_low", "rate_high", "weak"]
        return pd.DataFrame(columns=columns)
    place = frame.chance.rank(method="average") - 0.5
    frame["tenth"] = (place * groups / len(frame)).astype(int).clip(0, groups - 1) + 1
    found = frame.groupby("tenth").agg(
        n=("left", "size"), predicted=("chance", "mean"), left=("left", "sum")
    )
    low, high = wilson(found.left, found.n)
    return found.assign(
        rate=found.left / found.n, rate_low=low, rate_high=high, weak=found.n < 30
    ).reset_index()


def gains(left: npt.ArrayLike, chance: npt.ArrayLike, points: int = 50) -> pd.DataFrame:
    """Share of those who left that is found by contacting a share, the most likely first."""
    y, p = np.asarray(left, dtype=float), np.asarray(chance, dtype=float)
    if not y.sum():
        return pd.DataFrame({"contacted": [], "found": []})
    found = np.r_[0.0, np.cumsum(y[np.argsort(-p, kind="stable")])] / y.sum()
    at = np.unique(np.linspace(0, len(y), points + 1).astype(int))
    return pd.DataFrame({"contacted": at / len(y), "found": found[at]})


def suspects(features: pd.DataFrame, left: npt.ArrayLike) -> tuple[str, ...]:
    """Features that alone tell nearly everybody apart: most likely written down afterwards."""
    y = np.asarray(left, dtype=float)
    if not 0 < y.sum() < len(y):
        return ()
    found = []
    for column in features:
        area = measured(y, features[column], 1)["roc_auc"]
        if max(area, 1 - area) > _TOO_GOOD:
            found.append(str(column))
    return tuple(found)

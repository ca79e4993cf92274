"""A model of leaving from one flat table: a row a customer, with what is known and who left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit.analyses.churn import backtest as trials
from crmkit.analyses.churn.model import Logistic, logistic
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError, nearest
from crmkit.records import records
from crmkit.result import Result
from crmkit.stats import wilson
from crmkit.text import number, percent, say, span

__all__ = ["ChurnModel", "churn_model"]


def churn_model(
    table: ir.Table | pd.DataFrame,
    *,
    left: str,
    ignore: Sequence[str] = (),
    folds: int = 5,
    seed: int = 0,
) -> "ChurnModel":
    """What tells those who left from those who stayed, in a table of one row a customer.

    Numbers are standardised; texts and truths become one column for each value but the first.
    Chances are those of a model that did not see the customer (stratified folds). Such a table
    must hold what was known BEFORE the customers left: a column that alone nearly tells who left
    is named in `suspects`.

    Parameters: `table`; `left`, its column of 1 and 0, true and false, or "Yes" and "No"; `ignore`,
    columns to leave out, such as ids; `folds`; `seed`, of the folds.
    Returns: ChurnModel with `n`, `left`, `rate`, `roc_auc`, `pr_auc` (means over the folds),
    frames `calibration` and `coefficients`, and `suspects`.
    Raises: ParameterError for a column that is not there, or a label of other values.

    >>> frame = pd.DataFrame({"months": range(40), "gone": [1] * 10 + [0] * 30})
    >>> churn_model(frame.assign(gone=frame.gone.sample(frac=1, random_state=1).values),
    ...             left="gone").rate
    0.25
    """
    frame = table if isinstance(table, pd.DataFrame) else table.execute()
    y = _label(frame, left)
    known = frame[y.notna()].drop(columns=[left, *(c for c in ignore if c in frame)])
    y = y.dropna().astype(float)
    x = _coded(known)
    model = logistic(x, y)
    chance, areas, precisions = _folded(x, y, folds, seed)
    return ChurnModel(
        n=len(y),
        left=int(y.sum()),
        rate=float(y.mean()) if len(y) else float("nan"),
        roc_auc=float(np.mean(areas)) if areas else float("nan"),
        pr_auc=float(np.mean(precisions)) if precisions else float("nan"),
        folds=len(areas),
        calibration=trials.calibrated(y, chance) if areas else trials.calibrated([], []),
        coefficients=model.table() if isinstance(model, Logistic) else None,
        dropped=model.dropped,
        suspects=trials.suspects(x, y),
        held=isinstance(model, Logistic) and model.held,
    )


def _label(frame: pd.DataFrame, left: str) -> pd.Series:
    if left not in frame:
        guess = nearest(left, list(frame.columns))
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(
            f"left={left!r} is no column.{hint} There are: {', '.join(map(str, frame.columns))}."
        )
    words = frame[left].map(lambda v: v if pd.isna(v) else str(v).strip().lower())
    found = words.map(
        {"1": 1, "0": 0, "1.0": 1, "0.0": 0, "true": 1, "false": 0, "yes": 1, "no": 0}
    )
    wrong = words[found.isna() & words.notna()]
    if len(wrong):
        raise ParameterError(
            f"The column {left!r} holds {wrong.iloc[0]!r}. Give 1 and 0, or Yes and No."
        )
    return found


def _coded(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers as they are (unknown: the mean), everything else one column a value."""
    parts = []
    for column in frame:
        numbers = pd.to_numeric(frame[column], errors="coerce")
        blank = frame[column].isna() | (frame[column].astype(str).str.strip() == "")
        if not pd.api.types.is_bool_dtype(frame[column]) and numbers.notna().equals(~blank):
            parts.append(
                numbers.fillna(numbers.mean() if numbers.notna().any() else 0.0).astype(float)
            )
            continue
        values = frame[column].astype(str)
        for value in sorted(values.unique())[1:]:
            parts.append((values == value).astype(float).rename(f"{column}: {value}"))
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=frame.index)


def _folded(
    x: pd.DataFrame, y: pd.Series, folds: int, seed: int
) -> tuple[np.ndarray, list[float], list[float]]:
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415 (slow to import)

    chance = np.full(len(y), np.nan)
    if min(y.sum(), len(y) - y.sum()) < folds:
        return chance, [], []
    areas, precisions = [], []
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y):
        model = logistic(x.iloc[train], y.iloc[train])
        chance[test] = model.chance(x.iloc[test])
        found = trials.measured(y.iloc[test], chance[test], len(test))
        areas.append(found["roc_auc"])
        precisions.append(found["pr_auc"])
    return chance, areas, precisions


@dataclass(frozen=True, kw_only=True, eq=False)
class ChurnModel(Result):
    """A model of leaving from a flat table; see `churn_model`."""

    n: int
    left: int
    rate: float
    roc_auc: float
    pr_auc: float
    folds: int
    calibration: pd.DataFrame = field(repr=False)
    coefficients: pd.DataFrame | None = field(repr=False)
    dropped: tuple[str, ...]
    suspects: tuple[str, ...]
    held: bool

    @property
    def empty(self) -> bool:
        """Whether there is nobody to learn from."""
        return self.n == 0

    @property
    def headline(self) -> str:
        """How many left, how well they are told apart, and columns that know the future."""
        if self.empty:
            return say("The table has no customers whose end is known.")
        low, high = wilson(self.left, self.n)
        words = {
            "left": number(self.left),
            "n": number(self.n),
            "rate": percent(self.rate, 2),
            "span": span(float(low), float(high)),
        }
        if self.suspects:
            return say(
                "{columns} nearly tells alone who left: was it written down afterwards? Leave it "
                "out before you trust the model.",
                columns=", ".join(self.suspects),
            )
        if not self.folds:
            return say("{left} of {n} left ({rate}): too few on one side for a trial.", **words)
        return say(
            "{left} of {n} left: {rate} ({span}). The model ranks a leaver above another in {auc} "
            "of pairs.",
            **words,
            auc=percent(self.roc_auc),
        )

    @property
    def definition(self) -> Definition:
        """How the model is fitted and tried."""
        rows = [
            (say("Model"), say("Logistic regression on standardised columns.")),
            (
                say("Trial"),
                say(
                    "{n} folds with equal shares of leavers; means of the folds.",
                    n=number(self.folds),
                ),
            ),
            (say("Interval"), say("Wilson, 95%.")),
        ]
        if self.dropped:
            rows.append(
                (
                    say("Left out"),
                    say(
                        "The same for all, or told by others: {names}.",
                        names=", ".join(self.dropped),
                    ),
                )
            )
        if self.held:
            rows.append(
                (
                    say("Held"),
                    say("Columns repeat each other: a small penalty holds the coefficients."),
                )
            )
        return Definition(tuple(rows))

    def tables(self) -> Mapping[str, Table]:
        """Odds ratios and calibration."""
        found = {}
        if self.coefficients is not None:
            columns = (
                Column("feature", say("Feature")),
                Column("odds", say("Odds ratio of a standard deviation"), "number", 2,
                       low="odds_low", high="odds_high"),
            )  # fmt: skip
            caption = say("What tells leavers apart")
            found["features"] = Table("churn-model-features", caption, self.coefficients, columns)
        shown = (
            Column("tenth", say("Tenth"), "count"),
            Column("n", say("Customers"), "count"),
            Column("predicted", say("Said"), "rate"),
            Column("rate", say("Came true"), "rate", low="rate_low", high="rate_high", n="n"),
        )
        caption = say("Chances said to customers the model had not seen, and what came true")
        return found | {
            "calibration": Table("churn-model-calibration", caption, self.calibration, shown)
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The odds ratios of the strongest columns."""
        return {"features": self._dots} if self.coefficients is not None else {}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        assert self.coefficients is not None
        frame = self.coefficients.head(15)
        return draw.dots(
            frame,
            label="feature",
            value="odds",
            low="odds_low",
            high="odds_high",
            name="churn-model-features",
            title=self.headline,
            subtitle=say("Odds ratio of a standard deviation, with 95% intervals; the line is one"),
            alt="; ".join(f"{row.feature} {number(row.odds, 2)}" for row in records(frame)),
            reference=1.0,
            kind="number",
        )

"""Interest: what customers did lately, weighted, and whether the weights tell who buys."""

import csv
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit import places, text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import InputError, ParameterError
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import wilson
from crmkit.text import number, percent, reader, say

__all__ = ["Behaviour", "Interest", "behaviours", "interest"]

_DRAWS = 200


@dataclass(frozen=True)
class Behaviour:
    """An event and the points that it is worth."""

    event: str
    name_en: str
    name_zh: str
    weight: float

    @property
    def name(self) -> str:
        """The event for readers."""
        return (self.name_zh if reader().language == "zh" else "") or self.name_en


def behaviours(source: str | Path = "behaviour") -> tuple[Behaviour, ...]:
    """The points of a CSV file (event, name_en, name_zh, weight): crmkit's by default.

    Raises: ParameterError where there is no such file; InputError with the line for what is wrong.

    >>> behaviours()[0].weight
    10.0
    """
    shipped = places.templates() / "segments" / f"{source}.csv"
    path = shipped if shipped.is_file() else Path(source)
    if not path.is_file():
        raise ParameterError(
            f"There is no table {str(source)!r}. Give behaviour or the path of a CSV file."
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for line, row in enumerate(rows, start=2):
        try:
            found.append(
                Behaviour(
                    row["event"].strip(),
                    row["name_en"].strip(),
                    (row.get("name_zh") or "").strip(),
                    float(row["weight"]),
                )
            )
        except (KeyError, ValueError, AttributeError):
            raise InputError(
                f"{path}, line {line}: give event, name_en, name_zh and a weight that is a number."
            ) from None
    if not found:
        raise InputError(f"{path} has no rows.")
    return tuple(found)


def interest(
    events: ir.Table,
    purchases: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    table: str | Path | Sequence[Behaviour] = "behaviour",
    days: int = 60,
    half_life: float = 14.0,
    within: int = 30,
) -> "Interest":
    """Who is interested now, by weighted events, and how well such a score told who bought.

    The score is the sum of the weights of a customer's events of the last `days`, each halved every
    `half_life` days. It is tried `within` days before `as_of`: who of each tenth bought since. The
    fitted weights are those that would have told best (logistic regression on the same sums).

    Parameters: `events` with customer_id; `purchases`; `as_of`; `table`, crmkit's points, a CSV
    file, or rows; `days`; `half_life`, in days; `within`, in which a purchase counts.
    Returns: Interest with `tenths` (tenth, n, score, bought, rate, interval), `weights` (event,
    weight, fitted, share of customers who did it), `auc` with auc_low and auc_high (bootstrap), and
    `customers` (customer_id, score: now).
    Raises: ParameterError for days that cannot be.

    >>> day = dt.datetime(2025, 3, 1)
    >>> did = ibis.memtable({"customer_id": ["a"], "event": ["search"], "occurred_at": [day]})
    >>> bought = ibis.memtable({"customer_id": ["a"], "ordered_at": [day]})
    >>> interest(did, bought, as_of="2025-03-01").customers.score.round(2).tolist()
    [1.0]
    """
    if min(days, within) < 1 or half_life <= 0:
        raise ParameterError(f"days={days}, half_life={half_life}, within={within}: give above 0.")
    rows = behaviours(table) if isinstance(table, str | Path) else tuple(table)
    day = calendar.day(as_of)
    now = _sums(events, rows, day, timezone, days, half_life).execute()
    past_day = day - dt.timedelta(days=within)
    past = _sums(events, rows, past_day, timezone, days, half_life)
    later = purchases.filter(
        purchases.ordered_at >= calendar.day_end(past_day, timezone),
        purchases.ordered_at < calendar.day_end(day, timezone),
    )
    bought = later.select("customer_id", bought=ibis.literal(1)).distinct()
    then = past.left_join(bought, "customer_id").drop("customer_id_right").execute()
    then = then.sort_values("customer_id", ignore_index=True)
    names = [row.event for row in rows]
    weights = np.array([row.weight for row in rows])
    y = then.bought.fillna(0).to_numpy(dtype=float)
    scores = then[names].to_numpy(dtype=float) @ weights if len(then) else np.array([])
    auc, low, high = _auc(y, scores)
    found = now.assign(score=now[names].to_numpy(dtype=float) @ weights if len(now) else 0.0)
    found = found.sort_values(["score", "customer_id"], ascending=[False, True], ignore_index=True)
    return Interest(
        tenths=_tenths(y, scores),
        weights=_weights(rows, then, y),
        customers=found[["customer_id", "score"]],
        auc=auc,
        auc_low=low,
        auc_high=high,
        days=days,
        half_life=half_life,
        within=within,
        as_of=str(day),
    )


def _sums(
    events: ir.Table,
    rows: Sequence[Behaviour],
    day: dt.date,
    timezone: str,
    days: int,
    half_life: float,
) -> ir.Table:
    """One row a customer: the faded number of each event up to a day."""
    end = calendar.day_end(day, timezone)
    start = calendar.day_start(calendar.window_start(day, days), timezone)
    known = events.filter(
        ~events.customer_id.isnull(),
        events.occurred_at >= start,
        events.occurred_at < end,
        events.event.isin([row.event for row in rows]),
    )
    number_ = calendar.day_number(known.occurred_at, timezone, until=end)
    known = known.mutate(age=ibis.literal((day - dt.date(1970, 1, 1)).days) - number_)
    daily = known.group_by(["customer_id", "event", "age"]).aggregate(n=known.count())
    halves = daily.age.cast("float64") / ibis.literal(half_life, type="float64")
    faded = daily.n.cast("float64") * (ibis.literal(0.5, type="float64") ** halves)
    return daily.group_by("customer_id").aggregate(
        **{row.event: ibis.ifelse(daily.event == row.event, faded, 0.0).sum() for row in rows}
    )


def _tenths(y: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    columns = ["tenth", "n", "score", "bought", "rate", "rate_low", "rate_high", "weak"]
    if not len(y):
        return pd.DataFrame(columns=columns)
    frame = pd.DataFrame({"bought": y, "score": scores})
    place = frame.score.rank(method="average") - 0.5
    frame["tenth"] = (place * 10 / len(frame)).astype(int).clip(0, 9) + 1
    found = frame.groupby("tenth").agg(
        n=("bought", "size"), score=("score", "mean"), bought=("bought", "sum")
    )
    low, high = wilson(found.bought, found.n)
    found = found.assign(
        rate=found.bought / found.n, rate_low=low, rate_high=high, weak=found.n < 30
    )
    return found.reset_index()[columns]


def _auc(y: np.ndarray, scores: np.ndarray) -> tuple[float, float, float]:
    """The area under ROC with the interval of a bootstrap over customers."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 (takes a second)

    if not len(y) or not 0 < y.sum() < len(y):
        return float("nan"), float("nan"), float("nan")
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(_DRAWS):
        rows = rng.integers(0, len(y), len(y))
        if 0 < y[rows].sum() < len(rows):
            drawn.append(roc_auc_score(y[rows], scores[rows]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(roc_auc_score(y, scores)), float(low), float(high)


def _weights(rows: Sequence[Behaviour], then: pd.DataFrame, y: np.ndarray) -> pd.DataFrame:
    """The points in use beside those that would have told best, on the same scale."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (takes a second)

    names = [row.event for row in rows]
    weights = np.array([row.weight for row in rows])
    fitted = np.full(len(rows), np.nan)
    share = np.full(len(rows), np.nan)
    if len(then) and 0 < y.sum() < len(y):
        x = then[names].to_numpy(dtype=float)
        share = (x > 0).mean(axis=0)
        found = LogisticRegression(max_iter=2000).fit(x, y).coef_[0]
        if found.max() > 0:
            fitted = found * weights.max() / found.max()
        fitted[share == 0] = np.nan
    return pd.DataFrame(
        {
            "event": names,
            "name": [row.name for row in rows],
            "weight": weights,
            "fitted": np.round(fitted, 1),
            "share": share,
        }
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Interest(Result):
    """Who is interested; see `interest`."""

    tenths: pd.DataFrame = field(repr=False)
    weights: pd.DataFrame = field(repr=False)
    customers: pd.DataFrame = field(repr=False)
    auc: float
    auc_low: float
    auc_high: float
    days: int
    half_life: float
    within: int
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether nobody did anything that counts."""
        return self.customers.empty

    @property
    def headline(self) -> str:
        """How much oftener the highest tenth buys than the lowest."""
        if self.empty:
            return say("No known customer did anything that counts, up to {day}.",
                       day=text.day(self.as_of))  # fmt: skip
        if not len(self.tenths) or np.isnan(self.auc):
            return say("{n} customers have a score; it cannot be tried yet.",
                       n=number(len(self.customers)))  # fmt: skip
        first, last = self.tenths.iloc[0], self.tenths.iloc[-1]
        return say(
            "Of the highest tenth {high} bought within {n} days, of the lowest {low}.",
            high=percent(float(last.rate)),
            low=percent(float(first.rate)),
            n=number(self.within),
        )

    @property
    def definition(self) -> Definition:
        """How the score is made and tried."""
        return Definition(
            (
                (
                    say("Score"),
                    say(
                        "Points of the events of the last {n} days, halved every {half} days.",
                        n=number(self.days),
                        half=number(self.half_life),
                    ),
                ),
                (
                    say("Tried"),
                    say(
                        "The score {n} days before {day}, against who bought since.",
                        n=number(self.within),
                        day=text.day(self.as_of),
                    ),
                ),
                (
                    say("Fitted"),
                    say("Logistic regression on the same sums; the highest is set to the highest "
                        "point in use."),
                ),
                (
                    say("Ranks"),
                    say(
                        "A buyer has a higher score than another customer in {auc} of pairs "
                        "({low}–{high}, bootstrap).",
                        auc=percent(self.auc),
                        low=percent(self.auc_low),
                        high=percent(self.auc_high),
                    )
                    if not np.isnan(self.auc)
                    else say("Not known yet."),
                ),
                (say("Interval"), say("Wilson, 95%.")),
            )
        )  # fmt: skip

    def tables(self) -> Mapping[str, Table]:
        """Points in use and fitted; tenths."""
        columns = (
            Column("name", say("Behaviour")),
            Column("weight", say("Points now"), "number", 1),
            Column("fitted", say("Points fitted"), "number", 1),
            Column("share", say("Customers who did it"), "rate"),
        )
        shown = (
            Column("tenth", say("Tenth"), "count"),
            Column("n", say("Customers"), "count"),
            Column("score", say("Mean score"), "number", 1),
            Column("rate", say("Bought"), "rate", low="rate_low", high="rate_high", n="n"),
        )
        return {
            "weights": Table("interest-weights", say("What each behaviour is worth"), self.weights,
                             columns),
            "tenths": Table("interest-tenths", say("Who bought, by score"), self.tenths, shown),
        }  # fmt: skip

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share who bought by tenth of the score."""
        return {"tenths": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.tenths.assign(name=[number(t) for t in self.tenths.tenth])
        return draw.dots(
            frame.iloc[::-1],
            label="name",
            value="rate",
            low="rate_low",
            high="rate_high",
            weak="weak",
            name="interest-tenths",
            title=self.headline,
            subtitle=say("Share that bought, by tenth of the score, with 95% intervals"),
            alt="; ".join(f"{row.name}: {percent(row.rate)}" for row in records(frame)),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """How well the score ranks."""
        if np.isnan(self.auc):
            return ()
        return (
            KeyFigure(
                name="interest_auc", label=say("Pairs ranked rightly"), value=self.auc,
                kind="rate", low=self.auc_low, high=self.auc_high,
            ),
        )  # fmt: skip

    def findings(self) -> tuple[Finding, ...]:
        """Call the highest tenth first."""
        if self.empty or np.isnan(self.auc):
            return ()
        return (
            Finding(
                words=self.headline,
                action=say("Call the highest tenth first, today."),
                weight=0.03,
            ),
        )

"""How many subscribers will be left: the shifted beta-geometric model of renewals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize
from scipy.special import betaln

from crmkit.analyses.survival.rows import by_duration
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.kaplan_meier import kaplan_meier, log_log
from crmkit.result import KeyFigure, Result
from crmkit.text import number, percent, say, span

__all__ = ["Projection", "projection"]

Floats = npt.NDArray[np.float64]


def projection(spells: ir.Table, *, horizon: int = 12) -> "Projection":
    """Share of subscribers left after each renewal, projected beyond the data.

    Each customer leaves at a renewal with a chance of its own, the same each time; over customers
    the chance is beta distributed. So the rate of those who stay rises as the fickle leave
    (Fader and Hardie 2007). Fitted by maximum likelihood; the interval is the delta method's, on
    the log-log scale, and covers the uncertainty of the two parameters, not the model's.

    Parameters:
        spells: one row a customer: `duration`, renewal periods (a customer that left in its first
            period has 1; one never asked to renew has 0); `ended`, true where it left, false
            where it is still there after so many renewals.
        horizon: periods to project, from the start.

    Returns: `Projection` with `alpha`, `beta`, `log_likelihood`, and the frame `curve`: period,
        projected, low, high, observed (Kaplan-Meier, blank beyond the data), renewal (share of
        those left that stays once more). Parameters are nan where nobody left or nobody stayed.
    Raises: InputError for a table without those columns; ParameterError for durations that are
        not whole numbers, an end at 0, or a horizon below 1.

    >>> import ibis
    >>> lost = [1] * 369 + [2] * 163 + [3] * 86 + [4] * 56 + [5] * 37 + [6] * 27 + [7] * 21
    >>> left = 1000 - len(lost)
    >>> ended = [True] * len(lost) + [False] * left
    >>> found = projection(ibis.memtable({"duration": lost + [7] * left, "ended": ended}))
    >>> round(found.alpha, 3), round(found.beta, 3)
    (0.704, 1.182)
    """
    if horizon < 1:
        raise ParameterError(f"horizon={horizon}: give 1 or more periods.")
    raw = by_duration(spells, None).execute()
    counts = raw[raw.usable].drop(columns=["usable", "group"])
    if (counts.duration % 1 != 0).any() or counts.ended[counts.duration == 0].sum():
        raise ParameterError(
            "Durations of renewals are whole periods, and the first end is in period 1."
        )
    dropped = int(raw.n[~raw.usable].sum())
    return _fitted(counts, horizon, dropped)


def _fitted(counts: pd.DataFrame, horizon: int, dropped: int) -> "Projection":
    observed = kaplan_meier(counts)
    lost = counts.ended.to_numpy(dtype=float)
    open_ = counts.n.to_numpy(dtype=float) - lost
    at = counts.duration.to_numpy(dtype=float)
    renewed = float((at * open_).sum() + ((at - 1) * lost).sum())
    periods = np.arange(horizon + 1, dtype=float)
    if lost.sum() == 0 or renewed == 0:
        logs, value = np.full(2, np.nan), float("nan")
        error = np.full(horizon + 1, np.nan)
    else:
        fit = optimize.minimize(
            _minus_likelihood,
            np.zeros(2),
            args=(at, lost, open_),
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000, "maxfev": 4000},
        )
        logs, value = fit.x, -float(fit.fun)
        error = _errors(logs, periods, (at, lost, open_))
    alpha, beta = np.exp(logs)
    projected = np.exp(_log_survival(logs, periods))
    low, high = log_log(projected, error)
    seen = observed.set_index("duration").survival
    longest = at.max() if len(at) else -1.0
    known = seen.reindex(periods, method="ffill").where(periods <= longest)
    known = known.where(periods > 0, 1.0 if len(at) else np.nan)
    return Projection(
        alpha=float(alpha),
        beta=float(beta),
        log_likelihood=value,
        n=int(counts.n.sum()),
        dropped=dropped,
        curve=pd.DataFrame(
            {
                "period": periods.astype("int64"),
                "projected": projected,
                "low": np.where((periods == 0) & (error == 0), 1.0, low),
                "high": np.where((periods == 0) & (error == 0), 1.0, high),
                "observed": known.to_numpy(),
                "renewal": (beta + periods) / (alpha + beta + periods),
            }
        ),
    )


def _log_survival(logs: Floats, periods: Floats) -> Floats:
    alpha, beta = np.exp(logs)
    return np.asarray(betaln(alpha, beta + periods) - betaln(alpha, beta))


def _minus_likelihood(logs: Floats, at: Floats, lost: Floats, open_: Floats) -> float:
    alpha, beta = np.exp(np.clip(logs, -20, 20))
    ending = betaln(alpha + 1, beta + np.maximum(at, 1) - 1) - betaln(alpha, beta)
    staying = betaln(alpha, beta + at) - betaln(alpha, beta)
    return -float((lost * ending + open_ * staying).sum())


def _errors(logs: Floats, periods: Floats, data: tuple[Floats, Floats, Floats]) -> Floats:
    """Standard error of log S by the delta method, from the curvature of the likelihood."""
    step = 1e-4
    unit = np.eye(2) * step

    def value(shift: Floats) -> float:
        return _minus_likelihood(logs + shift, *data)

    curvature = np.array(
        [
            [
                (value(a + b) - value(a - b) - value(b - a) + value(-a - b)) / (4 * step**2)
                for b in unit
            ]
            for a in unit
        ]
    )
    slope = np.array(
        [
            (_log_survival(logs + a, periods) - _log_survival(logs - a, periods)) / (2 * step)
            for a in unit
        ]
    )
    variance = np.einsum("ip,ij,jp->p", slope, np.linalg.pinv(curvature), slope)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


@dataclass(frozen=True, kw_only=True)
class Projection(Result):
    """Subscribers left after each renewal; see `projection` for the frame."""

    alpha: float
    beta: float
    log_likelihood: float
    n: int
    dropped: int
    curve: pd.DataFrame = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether the model cannot be fitted: nobody is known, left, or stayed."""
        return bool(np.isnan(self.alpha))

    @property
    def headline(self) -> str:
        """The share left at the horizon, and how staying rises."""
        if self.empty:
            return say(
                "{n} customers are known; a projection needs some who left and some who renewed.",
                n=number(self.n),
            )
        last = self.curve.iloc[-1]
        return say(
            "{rate} ({span}) of customers are expected to be left after {k} renewals; "
            "{first} stay at the first one and {later} of those left at the last.",
            rate=percent(last.projected),
            span=span(last.low, last.high),
            k=number(last.period),
            first=percent(self.curve.renewal.iloc[0]),
            later=percent(self.curve.renewal.iloc[-2]),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Model"),
                    say("Shifted beta-geometric (Fader and Hardie 2007), maximum likelihood."),
                ),
                (
                    say("Parameters"),
                    say(
                        "alpha {alpha}, beta {beta}; log-likelihood {value}.",
                        alpha=number(self.alpha, 4),
                        beta=number(self.beta, 4),
                        value=number(self.log_likelihood, 2),
                    ),
                ),
                (
                    say("Interval"),
                    say(
                        "95%, delta method on the log-log scale; it covers the uncertainty of the "
                        "parameters, not that of the model."
                    ),
                ),
                (
                    say("Left out"),
                    say("{n} rows without a usable duration.", n=number(self.dropped)),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The share left after each renewal."""
        columns = (
            Column("period", say("Renewals"), kind="count"),
            Column("observed", say("Observed"), kind="rate"),
            Column("projected", say("Model"), kind="rate", low="low", high="high"),
            Column("renewal", say("Of them stay"), kind="rate"),
        )
        caption = say("Customers left after each renewal.")
        return {"curve": Table("projection", caption, self.curve, columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The observed curve and its projection."""
        return {"curve": self._curve}

    def _curve(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        seen = self.curve.assign(line=say("Observed"), rate=self.curve.observed)
        model = self.curve.assign(line=say("Model"), rate=self.curve.projected)
        seen = seen.assign(low=np.nan, high=np.nan)
        return draw.curves(
            pd.concat([model, seen]),
            x="period",
            y="rate",
            by="line",
            low="low",
            high="high",
            accent=[say("Model"), say("Observed")],
            dashed=[say("Model")],
            name="projection",
            title=self.headline,
            subtitle=say("Share of customers left after each renewal; dashed: the model."),
            alt=self.headline,
            across=say("Renewals"),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share left at the horizon."""
        if self.empty:
            return ()
        last = self.curve.iloc[-1]
        return (
            KeyFigure(
                name="projection_left",
                label=say("Left after {k} renewals", k=number(last.period)),
                value=float(last.projected),
                kind="rate",
                low=float(last.low),
                high=float(last.high),
            ),
        )

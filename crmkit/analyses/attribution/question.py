"""The question of an attribution, and what is done to answer it."""

from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.attribution import frames
from crmkit.analyses.attribution.answer import counts_of
from crmkit.analyses.attribution.counts import counted
from crmkit.analyses.attribution.models import evaluated, known_model, resampled
from crmkit.analyses.attribution.options import Options
from crmkit.analyses.attribution.result import Attribution
from crmkit.analyses.attribution.steps import STATES
from crmkit.analyses.attribution.streams import streams
from crmkit.errors import ParameterError

_DIGITS = "0123456789abcdef"


def attribution(
    touches: ir.Table,
    conversions: ir.Table,
    *,
    as_of: periods.Day,
    start: periods.Day | None = None,
    timezone: str = "UTC",
    by: str = "channel",
    lookback: float = 30,
    transform: str = "exposure",
    half_life: float = 7,
    order: int = 1,
    game: str = "rate",
    model: str = "markov",
    value: str | None = None,
    direct: Sequence[str] | None = None,
    open_paths: bool = True,
    top: int = 30,
    bootstrap: int = 200,
    seed: int | np.random.Generator = 0,
) -> Attribution:
    """How eight models share out the conversions, and their revenue, over the touches before them.

    The path of a conversion is made of the customer's touches within `lookback` days before it
    (elapsed time, both edges included) and after the conversion before: a conversion ends its path.
    Conversions of a customer at one instant are one path. Stretches as long as the lookback with
    touches and no conversion are paths that did not convert.

    Parameters: `touches`, customer_id, one time and the column `by`; `conversions`, orders or any
    table with customer_id and one time; `as_of`, the last local day that counts; `start`, the first
    day whose conversions count (from the first touch, where none is given); `timezone`, the book's;
    `by`, what gets the credit: channel, campaign, medium, content, keyword, landing_page...;
    `lookback`, days; `transform`, "exposure" (repeats in a row are one), "first" (each channel
    once), "frequency" (once, but told apart by how often) or "unique" (as they are); `half_life`,
    days, of time decay; `order`, 1 to 4, touches that the Markov chain remembers; `game`, of the
    Shapley values: "rate" (a set of channels is worth the share of its paths that convert) or
    "conversions" (it is worth the conversions of paths with no other channels); `model`, the one
    of headline and charts; `value`, the column of money (`amount`, where there is one); `direct`,
    which values of `by` are direct visits (touches of kind "direct", where none are given);
    `open_paths`, whether paths that did not convert enter Markov and Shapley; `top`, how many
    values of `by` are told apart, the rest are "(other)"; `bootstrap`, draws for the intervals,
    0 for none; `seed`, a number or a numpy Generator.
    Returns: an Attribution with the frames `credit`, `channels`, `agreement`, `flow` and `paths`.
    `budget(spend)` says what each model would move; `against(measured)` how far each lies off.
    Raises: ParameterError for arguments that cannot be; InputError for tables without the columns.
    Source: Anderl et al. 2016 (Markov), Shapley 1953, Dalessandro et al. 2012.

    >>> import datetime as dt
    >>> import ibis
    >>> day = [dt.datetime(2024, 3, d) for d in range(1, 31)]
    >>> seen = ibis.memtable(
    ...     {
    ...         "customer_id": ["a", "a", "a", "b", "c", "c"],
    ...         "occurred_at": [day[1], day[2], day[3], day[1], day[1], day[2]],
    ...         "channel": ["c1", "c2", "c3", "c1", "c2", "c3"],
    ...     }
    ... )
    >>> won = ibis.memtable({"customer_id": ["a"], "ordered_at": [day[4]], "amount": [50.0]})
    >>> found = attribution(seen, won, as_of="2024-03-30", lookback=14, bootstrap=0)
    >>> markov = found.credit.query("model == 'markov'")
    >>> markov[["channel", "conversions", "revenue"]].round(6).to_numpy().tolist()
    [['c1', 0.2, 10.0], ['c2', 0.4, 20.0], ['c3', 0.4, 20.0], ['(no touch)', 0.0, 0.0]]
    """
    options = Options.of(
        as_of=as_of,
        start=start,
        timezone=timezone,
        by=by,
        lookback=lookback,
        transform=transform,
        half_life=half_life,
        order=order,
        game=game,
        value=value,
        direct=direct,
        open_paths=open_paths,
        top=top,
    )
    known_model(model)
    if not isinstance(bootstrap, int) or isinstance(bootstrap, bool) or bootstrap < 0:
        raise ParameterError(f"bootstrap={bootstrap!r}. Give a whole number of draws, 0 for none.")
    groups = _groups(bootstrap, order)
    answer = counted(streams(touches, conversions, options), options, groups=len(groups)).execute()
    valued = value is not None or "amount" in conversions.columns
    return answered(answer, options, groups, model, valued, bootstrap, seed)


def answered(
    answer: pd.DataFrame,
    options: Options,
    groups: Sequence[str],
    model: str,
    valued: bool,
    bootstrap: int,
    seed: int | np.random.Generator,
) -> Attribution:
    """The result from the engine's one answer."""
    words = answer[answer.part == "vocabulary"].sort_values("a")
    labels = words.label.tolist()
    counts = counts_of(answer, len(labels), groups, options.order)
    whole = evaluated(counts, np.ones((1, len(groups))), game=options.game)
    rng = np.random.default_rng(seed)
    drawn = evaluated(counts, resampled(len(groups), bootstrap, rng), game=options.game).credit
    credit = frames.credit_frame(labels, counts, whole, drawn, valued=valued)
    totals = frames.totals_of(counts)
    frames.assert_whole(credit, totals, valued=valued)
    return Attribution(
        options=options,
        model=model,
        bootstrap=bootstrap,
        groups=len(groups),
        valued=valued,
        conversions=round(float(totals[0])),
        revenue=float(totals[1]) if valued else float("nan"),
        touched=round(float(counts.sets.conversions.sum())),
        touched_revenue=float(counts.sets.value.sum()) if valued else float("nan"),
        facts=_facts(answer),
        credit=credit,
        channels=frames.channel_frame(
            labels, dict(zip(words.label, words.x1, strict=True)), counts, whole
        ),
        agreement=frames.agreement_frame(credit),
        flow=frames.flow_frame(answer, labels),
        paths=frames.path_frame(answer, labels),
        drawn=drawn,
    )


def _groups(bootstrap: int, order: int) -> list[str]:
    """The names of the groups of customers: fewer where the chain has many states."""
    if bootstrap == 0:
        return [""]
    return [a + b for a in _DIGITS for b in (_DIGITS if order <= 2 else _DIGITS[:4])]


def _facts(answer: pd.DataFrame) -> dict[str, int]:
    """Rows left out or changed, and touches by what became of them."""
    found = dict.fromkeys((f"touches_{state}" for state in STATES), 0)
    rows = answer[answer.part.isin(["fact", "state"])]
    for part, label, n in zip(rows.part, rows.label, rows.x1, strict=True):
        found[f"touches_{label}" if part == "state" else str(label)] = int(n)
    return found

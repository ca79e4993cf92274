"""How much the credit depends on the lookback and on how repeated touches count."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.attribution import frames
from crmkit.analyses.attribution.answer import counts_of
from crmkit.analyses.attribution.counts import variant, vocabulary_rows
from crmkit.analyses.attribution.models import evaluated, known_model
from crmkit.analyses.attribution.options import Options
from crmkit.analyses.attribution.steps import followed, steps, touched
from crmkit.analyses.attribution.streams import streams
from crmkit.analyses.attribution.words import TRANSFORM_NAMES, model_name, name
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.result import Finding, Result
from crmkit.text import number, percent, say


def attribution_sensitivity(
    touches: ir.Table,
    conversions: ir.Table,
    *,
    as_of: periods.Day,
    start: periods.Day | None = None,
    timezone: str = "UTC",
    by: str = "channel",
    lookback: float = 30,
    transform: str = "exposure",
    lookbacks: Sequence[float] = (7, 14, 30, 60),
    transforms: Sequence[str] = ("exposure", "first", "frequency", "unique"),
    half_life: float = 7,
    order: int = 1,
    game: str = "rate",
    model: str = "markov",
    value: str | None = None,
    direct: Sequence[str] | None = None,
    open_paths: bool = True,
    top: int = 30,
) -> "Sensitivity":
    """The credit under other lookbacks, and under other ways to count repeated touches.

    Every model is computed for each of `lookbacks` with `transform`, and for each of `transforms`
    with `lookback`, from one query.

    Parameters: as in `attribution`; `lookbacks`, days; `transforms`, their names.
    Returns: a Sensitivity with the frame `credit` (lookback, repeats: the transform, model,
    channel, conversions, share, revenue).
    Raises: ParameterError, InputError as in `attribution`.

    >>> import datetime as dt
    >>> import ibis
    >>> seen = ibis.memtable(
    ...     {
    ...         "customer_id": ["a", "a"],
    ...         "occurred_at": [dt.datetime(2024, 3, 1), dt.datetime(2024, 3, 20)],
    ...         "channel": ["c1", "c2"],
    ...     }
    ... )
    >>> won = ibis.memtable({"customer_id": ["a"], "ordered_at": [dt.datetime(2024, 3, 25)]})
    >>> found = attribution_sensitivity(seen, won, as_of="2024-06-30", lookbacks=[7, 30])
    >>> linear = found.credit.query("model == 'linear' and channel == 'c1'")
    >>> linear[["lookback", "repeats", "conversions"]].to_numpy().tolist()[:2]
    [[7.0, 'exposure', 0.0], [30.0, 'exposure', 0.5]]
    """
    base = Options.of(
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
    variants = _variants(base, lookbacks, transforms)
    answer = _counted(touches, conversions, base, variants).execute()
    labels = answer[answer.part == "vocabulary"].sort_values("a").label.tolist()
    valued = value is not None or "amount" in conversions.columns
    parts = [
        _credit(answer, f"{place}:", labels, options, valued=valued)
        for place, options in enumerate(variants)
    ]
    return Sensitivity(base=base, model=model, credit=pd.concat(parts, ignore_index=True))


def _variants(
    base: Options, lookbacks: Sequence[float], transforms: Sequence[str]
) -> list[Options]:
    """Each combination once, the lookbacks first."""
    if not lookbacks and not transforms:
        raise ParameterError("There is nothing to vary: give lookbacks or transforms.")
    found = [base.other(lookback=days) for days in sorted(set(lookbacks))]
    found += [base.other(transform=transform) for transform in dict.fromkeys(transforms)]
    return list(dict.fromkeys(found))


def _counted(
    touches: ir.Table, conversions: ir.Table, base: Options, variants: Sequence[Options]
) -> ir.Table:
    """What the models need of every variant; its number stands before the name of each part."""
    given = streams(touches, conversions, base)
    rows = followed(given)
    parts = [vocabulary_rows(given.vocabulary)]
    for place, options in enumerate(variants):
        placed = touched(rows, options, 1)
        for part in variant(placed, steps(placed, options), given.strangers, options):
            parts.append(part.mutate(part=ibis.literal(f"{place}:") + part.part))
    return ibis.union(*parts)


def _credit(
    answer: pd.DataFrame, mark: str, labels: list[str], options: Options, *, valued: bool
) -> pd.DataFrame:
    mine = answer[answer.part.str.startswith(mark)]
    mine = mine.assign(part=mine.part.str.removeprefix(mark))
    counts = counts_of(mine, len(labels), [""], options.order)
    whole = evaluated(counts, np.ones((1, 1)), game=options.game)
    credit = frames.credit_frame(labels, counts, whole, whole.credit[:0], valued=valued)
    frames.assert_whole(credit, frames.totals_of(counts), valued=valued)
    kept = credit[["model", "channel", "conversions", "conversions_share", "revenue"]]
    kept = kept.rename(columns={"conversions_share": "share"})
    kept.insert(0, "repeats", options.transform)
    kept.insert(0, "lookback", options.lookback)
    return kept


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensitivity(Result):
    """The credit by lookback and transform; see `attribution_sensitivity` for the frame."""

    base: Options = field(repr=False)
    model: str
    credit: pd.DataFrame = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether there was no conversion."""
        return not bool(self.credit.conversions.sum() > 0)

    def by_lookback(self) -> pd.DataFrame:
        """The chosen model by lookback, at the transform asked for."""
        return self._of_model(self.credit.repeats == self.base.transform)

    def by_transform(self) -> pd.DataFrame:
        """The chosen model by transform, at the lookback asked for."""
        return self._of_model(self.credit.lookback == self.base.lookback)

    def _of_model(self, rows: "pd.Series[bool]") -> pd.DataFrame:
        chosen: pd.DataFrame = self.credit[rows & (self.credit.model == self.model)]
        return chosen

    @property
    def headline(self) -> str:
        """Which channel's credit depends most on the lookback."""
        if self.empty:
            return say("No conversions to share out.")
        rows = self.by_lookback()
        touched = rows[rows.channel != frames.NO_TOUCH]
        alone = rows[rows.channel == frames.NO_TOUCH].sort_values("lookback")
        spread = touched.groupby("channel").share.agg(["min", "max"])
        words = {
            "short": number(alone.lookback.iloc[0]),
            "long": number(alone.lookback.iloc[-1]),
            "few": percent(1 - alone.share.iloc[0]),
            "many": percent(1 - alone.share.iloc[-1]),
        }
        if spread.empty:
            return say("No conversion had a touch in the {long} days before it.", **words)
        width = spread["max"] - spread["min"]
        channel = str(width.idxmax())
        return say(
            "With {short} to {long} days of lookback, {few} to {many} of conversions had a touch; "
            "{channel} depends most on it: {low} to {high} of conversions by {model}.",
            **words,
            channel=name(channel),
            low=percent(spread["min"][channel]),
            high=percent(spread["max"][channel]),
            model=model_name(self.model),
        )

    @property
    def definition(self) -> Definition:
        """What was varied, and what was not."""
        return Definition(
            (
                (
                    say("Lookback"),
                    say("{days} days, unless varied.", days=number(self.base.lookback)),
                ),
                (
                    say("Repeats"),
                    say(
                        "{transform}, unless varied.",
                        transform=say(TRANSFORM_NAMES[self.base.transform]),
                    ),
                ),
                (say("Everything else"), say("As in the attribution itself.")),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The shares of the chosen model by lookback, and by transform."""
        lookback = self._wide(self.by_lookback(), "lookback")
        transform = self._wide(self.by_transform(), "repeats")
        days = (
            Column(c, say("{n} days", n=number(float(str(c)))), "rate")
            for c in lookback.columns[1:-1]
        )
        ways = (Column(c, say(TRANSFORM_NAMES[c]), "rate") for c in transform.columns[1:-1])
        model = model_name(self.model)
        return {
            "lookback": Table(
                "sensitivity-lookback",
                say("Share of conversions by {model}, by lookback.", model=model),
                lookback.rename(columns=str),
                (Column("name", say("Channel")), *(_renamed(column) for column in days)),
            ),
            "transform": Table(
                "sensitivity-transform",
                say("Share of conversions by {model}, by how repeats count.", model=model),
                transform,
                (Column("name", say("Channel")), *ways),
            ),
        }

    def _wide(self, rows: pd.DataFrame, across: str) -> pd.DataFrame:
        wide = rows.pivot_table(
            index="channel", columns=across, values="share", sort=False, dropna=False
        )
        wide = wide.sort_values(wide.columns[0], ascending=False, kind="stable").reset_index()
        return wide.assign(name=[name(channel) for channel in wide.channel])

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share of each channel by lookback."""
        return {"lookback": self._curves}

    def _curves(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        rows = self.by_lookback()
        frame = rows.assign(name=[name(channel) for channel in rows.channel])
        touched = frame[frame.channel != frames.NO_TOUCH]
        spread = touched.groupby("name").share.agg(lambda share: share.max() - share.min())
        most = spread.sort_values(ascending=False, kind="stable").index[:2]
        return draw.curves(
            frame.sort_values("lookback", kind="stable"),
            x="lookback",
            y="share",
            by="name",
            accent=[str(label) for label in most],
            name="attribution_sensitivity",
            title=self.headline,
            subtitle=say(
                "Share of conversions by {model}, by lookback in days; the two that change most",
                model=model_name(self.model),
            ),
            alt=self.headline,
            across=say("Lookback, days"),
            write_x=number,
        )

    def findings(self) -> tuple[Finding, ...]:
        """How much of the credit moves with the lookback."""
        rows = self.by_lookback()
        if self.empty or rows.lookback.nunique() < 2:
            return ()
        wide = rows.pivot_table(index="channel", columns="lookback", values="share")
        moved = float((wide.iloc[:, -1] - wide.iloc[:, 0]).abs().sum() / 2)
        return (
            Finding(
                words=say("The lookback alone moves {share} of the credit.", share=percent(moved)),
                action=say("Fix one lookback for all reports, and name it beside every number."),
                weight=moved / 2,
            ),
        )


def _renamed(column: Column) -> Column:
    """The same column of a frame whose names are text."""
    return Column(str(column.name), column.label, column.kind)

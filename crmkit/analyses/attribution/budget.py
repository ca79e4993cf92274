"""What each model would move, if money followed its credit."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit import periods
from crmkit.analyses.attribution.frames import NO_TOUCH, limits
from crmkit.analyses.attribution.models import MODELS
from crmkit.analyses.attribution.options import Options
from crmkit.analyses.attribution.words import model_name, name
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import InputError, ParameterError
from crmkit.result import Finding, Result
from crmkit.text import money, number, percent, say

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Budget(Result):
    """The budget as it is, and as each model's credit would split it.

    `moves`: model, channel, spend, budget (of the same total in relation to the credit of
    conversions), change with its bootstrap interval, conversions credited, and cost (spend per
    conversion credited; nan where there is none).
    """

    model: str
    total: float
    moves: pd.DataFrame = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether there is no money to split, or no conversion to split it by."""
        return self.moves.empty

    def of(self, model: str) -> pd.DataFrame:
        """The moves of one model, the largest gain first."""
        rows = self.moves[self.moves.model == model]
        return rows.sort_values(["change", "channel"], ascending=[False, True], ignore_index=True)

    @property
    def headline(self) -> str:
        """How much the chosen model would move, from where and to where."""
        if self.empty:
            return say("There is no spending on channels with credit to split.")
        rows = self.of(self.model)
        moved = float(rows.change.clip(lower=0).sum())
        if moved < 0.005 * self.total:
            return say(
                "{model} would leave the budget of {total} as it is.",
                model=model_name(self.model),
                total=money(self.total, short=True),
            )
        return say(
            "{model} would move {moved} ({share}) of {total}: most to {gains}, most from {loses}; "
            "all models agree on the direction for {n} of {all} channels.",
            model=model_name(self.model),
            moved=money(moved, short=True),
            share=percent(moved / self.total),
            total=money(self.total, short=True),
            gains=name(rows.channel.iloc[0]),
            loses=name(rows.channel.iloc[-1]),
            n=number(len(self._agreed())),
            all=number(len(rows)),
        )

    def _agreed(self) -> list[str]:
        """Channels that every model gives more, or every model gives less."""
        signs = self.moves.assign(sign=np.sign(self.moves.change.round(6)))
        spread = signs.groupby("channel", sort=False).sign.nunique()
        return [str(channel) for channel in spread[spread == 1].index]

    @property
    def definition(self) -> Definition:
        """How the split is made, and what it assumes."""
        return Definition(
            (
                (
                    say("New split"),
                    say("The same total in relation to the conversions that a model credits."),
                ),
                (
                    say("Channels"),
                    say("Those with spending; credit of the others counts for none of them."),
                ),
                (
                    say("Assumption"),
                    say(
                        "The next unit of money brings what the ones before brought. It seldom "
                        "does: take the direction, move in small steps, and measure each with a "
                        "holdout."
                    ),
                ),
                (say("Interval"), say("Bootstrap of customers, 95%.")),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The change by model; the chosen model with intervals and costs."""
        wide = self.moves.pivot_table(
            index=["channel", "spend"], columns="model", values="change", sort=False, dropna=False
        ).reset_index()
        wide = wide.sort_values(["spend", "channel"], ascending=[False, True], ignore_index=True)
        models = (
            Column("name", say("Channel")),
            Column("spend", say("Spent"), "money", 0),
            *(Column(model, model_name(model), "money", 0) for model in MODELS),
        )
        one = (
            Column("name", say("Channel")),
            Column("spend", say("Spent"), "money", 0),
            Column("budget", say("New budget"), "money", 0),
            Column("change", say("Change"), "money", 0),
            Column("change_low", say("Change, low"), "money", 0),
            Column("change_high", say("Change, high"), "money", 0),
            Column("conversions", say("Conversions credited"), "number", 1),
            Column("cost", say("Cost of one"), "money"),
        )
        chosen = self.of(self.model)
        caption = say("What each model would move, if money followed its credit.")
        with_model = say("The split by {model}, with 95% intervals.", model=model_name(self.model))
        return {
            "moves": Table("budget-moves", caption, _named(wide), models),
            "model": Table("budget-model", with_model, _named(chosen), one),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share of the budget by model, beside what it is."""
        return {"split": self._split}

    def _split(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        now = say("Now")
        spent = self.of(self.model)
        spent = spent.assign(by=now, share=spent.spend / self.total)
        split = self.moves.assign(
            by=[model_name(model) for model in self.moves.model],
            share=self.moves.budget / self.total,
        )
        order = spent.sort_values(["spend", "channel"], ascending=[False, True]).channel.tolist()
        frame = pd.concat([spent, split])
        frame = frame.assign(place=frame.channel.map({c: k for k, c in enumerate(order)}))
        return draw.strips(
            _named(frame.sort_values("place", kind="stable")),
            label="name",
            series="by",
            value="share",
            accent=model_name(self.model),
            hollow=now,
            name="budget_split",
            title=self.headline,
            subtitle=say(
                "Share of the budget; ring: now, blue: by {model}, grey: by the other models",
                model=model_name(self.model),
            ),
            alt=say("; ").join(
                say(
                    "{channel} {now}, by {model} {then}",
                    channel=name(row.channel),
                    now=percent(row.spend / self.total),
                    model=model_name(self.model),
                    then=percent(row.budget / self.total),
                )
                for row in _rows(spent)
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Channels that every model would give less."""
        if self.empty:
            return ()
        agreed = self._agreed()
        less = self.of(self.model)
        less = less[less.channel.isin(agreed) & (less.change < 0)]
        return tuple(
            Finding(
                words=say(
                    "Every model gives {channel} less than its {spend}; {model} {budget}.",
                    channel=name(row.channel),
                    spend=money(row.spend, short=True),
                    model=model_name(self.model),
                    budget=money(row.budget, short=True),
                ),
                action=say("Take some of it away for a month, and watch new and repeat orders."),
                weight=float(-row.change / self.total),
            )
            for row in _rows(less)
        )


def _rows(frame: pd.DataFrame) -> Iterable[Any]:
    return frame.itertuples()


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(name=[name(channel) for channel in frame.channel])


def budget_of(
    options: Options,
    credit: pd.DataFrame,
    drawn: Floats,
    spend: Mapping[str, float] | ir.Table,
    model: str,
) -> Budget:
    """The split of a budget by every model's credit.

    Parameters: `credit` and `drawn` as in Attribution; `spend`, money by channel, or a table.
    """
    spent = _spent(spend, options) if isinstance(spend, ir.Table) else dict(spend)
    for channel, amount in spent.items():
        if not np.isfinite(amount) or amount < 0:
            raise ParameterError(f"The spending on {channel!r} is {amount}. Give 0 or more.")
    labels = credit[credit.model == MODELS[0]].channel.tolist()[:-1]
    channels = [channel for channel in spent if spent[channel] > 0 and channel != NO_TOUCH]
    total = float(sum(spent[channel] for channel in channels))
    places = np.array([labels.index(c) if c in labels else -1 for c in channels], dtype=int)
    now = np.array([spent[channel] for channel in channels], dtype=float)
    rows = []
    for place, each in enumerate(MODELS):
        conversions = _chosen(credit[credit.model == each].conversions.to_numpy()[:-1], places)
        if conversions.sum() > 0:
            split = _normal(_chosen(drawn[:, place, :-1, 0], places))
            moved = _moves(now, conversions, split)
            rows.append(moved.assign(model=each, channel=channels)[_COLUMNS])
    moves = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=_COLUMNS)
    if len(moves):
        sums = moves.groupby("model")[["budget", "change"]].sum()
        assert np.allclose(sums.budget, total), sums
        assert np.allclose(sums.change, 0, atol=1e-6 * total), sums
    return Budget(model=model, total=total, moves=moves)


_COLUMNS = [
    *("model", "channel", "spend", "budget", "change", "change_low", "change_high"),
    *("conversions", "cost"),
]


def _moves(spend: Floats, conversions: Floats, split: Floats) -> pd.DataFrame:
    """What a model would move: the spending, its credit, and the split of each draw."""
    total = spend.sum()
    budget = total * _normal(conversions)
    low, high = limits(total * split - spend)
    unknown = np.full(len(spend), np.nan)
    return pd.DataFrame(
        {
            "spend": spend,
            "budget": budget,
            "change": budget - spend,
            "change_low": low,
            "change_high": high,
            "conversions": conversions,
            "cost": np.divide(spend, conversions, out=unknown, where=conversions > 0),
        }
    )


def _chosen(values: Floats, places: npt.NDArray[np.int_]) -> Floats:
    """The values of the channels with spending; 0 where a channel had no touch."""
    padded = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
    found: Floats = padded[..., places]
    return found


def _normal(values: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = values / values.sum(axis=-1, keepdims=True)
    return found


def _spent(spend: ir.Table, options: Options) -> dict[str, float]:
    """The cost by channel of the days that count."""
    missing = {options.by, "cost", "day"} - set(spend.columns)
    if missing:
        raise InputError(
            f"The spending lacks {', '.join(sorted(missing))}; it has: {', '.join(spend.columns)}."
        )
    day = spend.day.cast("date")
    rows = spend.filter(day <= periods.day(options.as_of))
    if options.start is not None:
        rows = rows.filter(rows.day.cast("date") >= options.start)
    sums = rows.group_by(channel=rows[options.by].cast("string")).aggregate(cost=rows.cost.sum())
    found = sums.cast({"cost": "float64"}).execute().sort_values("channel")
    return {
        str(channel): float(cost)
        for channel, cost in zip(found.channel, found.cost, strict=True)
        if pd.notna(channel) and pd.notna(cost)
    }

"""The tables of an attribution."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.attribution.models import MODELS
from crmkit.analyses.attribution.words import model_name, name
from crmkit.blocks import Column, Kind, Table
from crmkit.text import say

if TYPE_CHECKING:
    from crmkit.analyses.attribution.result import Attribution


def tables(result: "Attribution") -> dict[str, Table]:
    """Models side by side; credit with intervals; channels; agreement; frequent paths."""
    return {
        "models": _models_table(result),
        "credit": _credit_table(result),
        "channels": _channels_table(result),
        "agreement": _agreement_table(result),
        "paths": _paths_table(result),
    }


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(name=[name(channel) for channel in frame.channel])


def _models_table(result: "Attribution") -> Table:
    wide = result.credit.pivot_table(
        index="channel", columns="model", values="conversions_share", sort=False, dropna=False
    )
    order = result.credited().channel
    frame = wide.reindex(order).reset_index()
    ranks = result.credit.pivot_table(
        index="channel", columns="model", values="rank", sort=False, dropna=False
    ).reindex(order)
    frame["ranks"] = [
        "" if pd.isna(low) else f"{low:.0f}–{high:.0f}"
        for low, high in zip(ranks.min(axis=1), ranks.max(axis=1), strict=True)
    ]
    columns = (
        Column("name", say("Channel")),
        *(Column(model, model_name(model), "rate", shade=True) for model in MODELS),
        Column("ranks", say("Ranks")),
    )
    caption = say("Share of all conversions credited to each channel, by model.")
    return Table("attribution-models", caption, _named(frame), columns)


def _credit_table(result: "Attribution") -> Table:
    def shown(measure: str, label: str, kind: Kind, digits: int | None = None) -> Column:
        return Column(measure, label, kind, digits, f"{measure}_low", f"{measure}_high")

    columns = [
        Column("name", say("Channel")),
        shown("conversions", say("Conversions"), "number", 1),
        shown("conversions_share", say("Share"), "rate"),
    ]
    if result.valued:
        columns += [
            Column("revenue", say("Revenue"), "money"),
            shown("revenue_share", say("Share of revenue"), "rate"),
        ]
    caption = say("Credit by {model}, with 95% intervals.", model=model_name(result.model))
    return Table("attribution-credit", caption, _named(result.credited()), tuple(columns))


def _channels_table(result: "Attribution") -> Table:
    columns = (
        Column("name", say("Channel")),
        Column("touches", say("Touches"), "count"),
        Column("paths", say("Paths with it"), "count"),
        Column("converting", say("Converted"), "count"),
        Column("rate", say("Conversion rate"), "rate", 2, "rate_low", "rate_high", "paths"),
        Column("removal", say("Removal effect"), "rate"),
        Column("removal_normalised", say("Normalised"), "rate"),
        Column("shapley", say("Shapley value, conversions"), "number", 1, folded=True),
        Column("shapley_error", say("Its error of sampling"), "number", 2, folded=True),
    )
    note = say(
        "Removal effects do not sum to 100%: a conversion needs every touch of its path. "
        "Normalised, they share out the conversions after a touch."
    )
    caption = say("Paths by channel, and the share of conversions lost without it.")
    return Table("attribution-channels", caption, _named(result.channels), columns, note=note)


def _agreement_table(result: "Attribution") -> Table:
    frame = result.agreement.assign(
        one=[model_name(model) for model in result.agreement["first"]],
        other=[model_name(model) for model in result.agreement["second"]],
    ).sort_values("share_moved", ascending=False, kind="stable", ignore_index=True)
    columns = (
        Column("one", say("Model")),
        Column("other", say("Other model")),
        Column("share_moved", say("Credited to other channels"), "rate"),
        Column("tau", say("Kendall's tau of the ranks"), "number", 2),
        Column("moved", say("Largest difference of ranks"), "count"),
    )
    caption = say("How far each two models disagree; tau is 1 where they rank alike.")
    return Table("attribution-agreement", caption, frame, columns)


def _paths_table(result: "Attribution") -> Table:
    columns = [
        Column("path", say("Path")),
        Column("conversions", say("Conversions"), "count"),
    ]
    if result.valued:
        columns.append(Column("revenue", say("Revenue"), "money"))
    caption = say("The paths with the most conversions; of long ones the first five touches.")
    return Table("attribution-paths", caption, result.paths, tuple(columns), limit=20)

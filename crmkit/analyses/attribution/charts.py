"""The charts of an attribution."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmkit.analyses.attribution import words
from crmkit.analyses.attribution.frames import CONVERTED, MORE, NO_TOUCH
from crmkit.blocks import Figure
from crmkit.text import number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.attribution.result import Attribution

_ROWS = 15
_FEW = 30


def _rows(frame: pd.DataFrame) -> Iterable[Any]:
    return frame.itertuples()


def models(result: "Attribution") -> Figure:
    """Dots: the share of conversions that each model credits to each channel."""
    from crmkit import draw  # noqa: PLC0415

    order = result.credited().channel.head(_ROWS)
    frame = result.credit[result.credit.channel.isin(order)]
    frame = frame.assign(
        place=frame.channel.map({channel: k for k, channel in enumerate(order)}),
        name=[words.name(channel) for channel in frame.channel],
        by=[words.model_name(model) for model in frame.model],
    ).sort_values("place", kind="stable")
    return draw.strips(
        frame,
        label="name",
        series="by",
        value="conversions_share",
        accent=words.model_name(result.model),
        name="attribution_models",
        title=result.headline,
        subtitle=say(
            "Share of conversions credited to each channel; blue: {model}, grey: the other models",
            model=words.model_name(result.model),
        ),
        alt=say("; ").join(
            say(
                "{channel} {low} to {high}",
                channel=words.name(row.channel),
                low=percent(row.lowest),
                high=percent(row.highest),
            )
            for row in _rows(result.channels)
        ),
    )


def credit(result: "Attribution") -> Figure:
    """Dots with intervals: the credit of each channel by the chosen model."""
    from crmkit import draw  # noqa: PLC0415

    rows = result.credited()
    frame = rows[rows.channel != NO_TOUCH].head(_ROWS)
    frame = frame.assign(
        name=[words.name(channel) for channel in frame.channel], few=frame.conversions < _FEW
    )
    first = frame.iloc[0] if len(frame) else rows.iloc[0]
    title = say(
        "{channel} earns {n} of {all} conversions by {model}",
        channel=words.name(first.channel),
        n=number(first.conversions),
        all=number(result.conversions),
        model=words.model_name(result.model),
    )
    return draw.dots(
        frame,
        label="name",
        value="conversions_share",
        low="conversions_share_low",
        high="conversions_share_high",
        weak="few",
        accent=[words.name(first.channel)],
        name="attribution_credit",
        title=title,
        subtitle=say(
            "Share of all conversions credited by {model}, with 95% interval",
            model=words.model_name(result.model),
        ),
        alt=say("; ").join(
            say("{channel} {share}", channel=label, share=percent(share))
            for label, share in zip(frame["name"], frame.conversions_share, strict=True)
        ),
    )


def flow(result: "Attribution") -> Figure:
    """A Sankey diagram of the paths that converted."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.flow.assign(
        source=[words.name(channel) for channel in result.flow.source],
        target=[words.name(channel) for channel in result.flow.target],
    )
    order = ["paths", "step", "source", "target"]
    drawn = frame.sort_values(order, ascending=[False, True, True, True]).head(draw.EDGES)
    converted = words.name(CONVERTED)
    at_once = int(frame[(frame.step == 1) & (frame.target == converted)].paths.sum())
    paths = int(frame[frame.step == 1].paths.sum())
    title = say(
        "{share} of {n} converting paths had one touch only",
        share=percent(at_once / paths if paths else 0.0),
        n=number(paths),
    )
    return draw.flow(
        frame,
        layer="step",
        source="source",
        target="target",
        value="paths",
        accent=[converted],
        last=[words.name(MORE)],
        heads=[say("Touch {n}", n=number(step)) for step in range(1, 6)],
        name="attribution_flow",
        title=title,
        subtitle=say(
            "Converting paths by touch; the {shown} largest of {all} flows, {share} of what flows",
            shown=number(len(drawn)),
            all=number(len(frame)),
            share=percent(drawn.paths.sum() / max(frame.paths.sum(), 1)),
        ),
        alt=say("; ").join(
            say("{source} to {target} {n}", source=row.source, target=row.target, n=number(row.n))
            for row in _rows(drawn.head(8).rename(columns={"paths": "n"}))
        ),
    )

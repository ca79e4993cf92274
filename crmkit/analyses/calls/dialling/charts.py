"""The charts of dials."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from crmkit.analyses.calls.names import hour_label, result_name, weekday_name
from crmkit.blocks import Figure
from crmkit.stats import SMALL
from crmkit.text import number, percent, period, points, say, span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmkit.analyses.calls.dialling.result import Calls


def results(result: "Calls") -> Figure:
    """Bars: the share of dials that came to each result, and its change."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.results
    rows: Iterable[Any] = frame.itertuples()
    frame = frame.assign(
        name=[result_name(value) for value in frame.result],
        shift=[points(row.share - row.share_before) for row in rows],
    )
    talked = result_name("human")
    others = frame[frame.result != "human"]
    title = say(
        "A person answered {share} of dials", share=percent(frame.share.sum() - others.share.sum())
    )
    if len(others):
        title = say(
            "{finding}; most others, {share}, ended as: {result}",
            finding=title,
            share=percent(others.share.iloc[0]),
            result=others["name"].iloc[0],
        )
    return draw.bars(
        frame,
        label="name",
        value="share",
        low="share_low",
        high="share_high",
        note="shift" if frame.share_before.notna().any() else None,
        accent=[talked],
        kind="rate",
        name="calls_results",
        title=title,
        subtitle=say(
            "Share of {n} dials with 95% interval, and change on the days before, {days}",
            n=number(result.total.dials),
            days=result.window.words,
        ),
        alt=say("; ").join(
            f"{name} {percent(share)}"
            for name, share in zip(frame["name"], frame.share, strict=True)
        ),
    )


def hours(result: "Calls") -> Figure:
    """A heat map of the contact rate, or of answers, by weekday and hour, adjusted."""
    from crmkit import draw  # noqa: PLC0415

    rate = "adjusted"
    frame = result.hours
    days = range(7)
    span_of_hours = range(int(frame.hour.min()), int(frame.hour.max()) + 1)

    def grid(values: "pd.Series[Any]") -> pd.DataFrame:
        wide = frame.assign(v=values).pivot_table(
            index="weekday", columns="hour", values="v", aggfunc="first", dropna=False
        )
        wide = wide.reindex(index=[d for d in days if d in set(frame.weekday)])
        wide = wide.reindex(columns=list(span_of_hours))
        wide.index = pd.Index([weekday_name(d) for d in wide.index])
        wide.columns = pd.Index([str(h) for h in wide.columns])
        return wide

    rows: Iterable[Any] = frame.itertuples()
    hovers = pd.Series(
        [
            say(
                "{day} {hour}: {rate} ({span}) of {n} dials",
                day=weekday_name(row.weekday),
                hour=hour_label(row.hour),
                rate=percent(getattr(row, rate)),
                span=span(getattr(row, f"{rate}_low"), getattr(row, f"{rate}_high")),
                n=number(row.dials),
            )
            for row in rows
        ],
        index=frame.index,
    )
    many = frame[frame.dials >= SMALL]
    ranked = (many if len(many) else frame).sort_values([rate, "dials"], kind="stable")
    best, worst = ranked.iloc[-1], ranked.iloc[0]
    weak = grid((frame.dials < SMALL).astype(float)).fillna(1.0) > 0
    title = say(
        "{best} from {hour}: {high} of dials reach a person; {worst} from {low_hour}: {low}",
        best=weekday_name(best.weekday),
        hour=hour_label(best.hour),
        high=percent(best[rate]),
        worst=weekday_name(worst.weekday),
        low_hour=hour_label(worst.hour),
        low=percent(worst[rate]),
    )
    return draw.week(
        grid(frame[rate]),
        weak=weak,
        hovers=grid(hovers),
        name="calls_hours",
        title=title,
        subtitle=say(
            "Dials that reached a person, % of dials, by weekday and hour, the mix of campaigns "
            "and modes taken out, {days}; grey: fewer than 30 dials",
            days=result.window.words,
        ),
        alt=title,
        across=say("Hour of the day"),
        up=say("Weekday"),
    )


def trend(result: "Calls") -> Figure:
    """The contact rate over periods with its interval."""
    from crmkit import draw  # noqa: PLC0415

    rate = "contact_rate" if result.known.contacts else "answer_rate"
    frame = result.trend[result.trend.dials > 0].reset_index(drop=True)
    whole = frame[~frame.partial]
    shown = whole if len(whole) else frame
    shown = shown.assign(place=range(len(shown)))
    labels = [period(first, result.period) for first in shown.period]
    first, last = shown.iloc[0], shown.iloc[-1]
    title = say(
        "Dials that reach a person: {now} in {period}, {before} in {earlier}",
        now=percent(last[rate]),
        period=labels[-1],
        before=percent(first[rate]),
        earlier=labels[0],
    )
    return draw.curves(
        shown,
        x="place",
        y=rate,
        low=f"{rate}_low",
        high=f"{rate}_high",
        name="calls_trend",
        title=title,
        subtitle=say("Share of dials that reached a person, with 95% interval, by period"),
        alt=title,
        write_x=lambda at: labels[int(at)] if 0 <= at < len(labels) and at == int(at) else "",
    )

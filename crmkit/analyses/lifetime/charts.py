"""The charts of a lifetime analysis; `crmkit.draw` is imported only when one is drawn."""

import numpy as np
import pandas as pd

from crmkit import text
from crmkit.analyses.lifetime.frames import Holdout
from crmkit.blocks import Figure
from crmkit.text import number, percent, say

__all__ = ["alive", "holdout", "tracking", "value"]


def tracking(frame: pd.DataFrame, held: Holdout | None) -> Figure:
    """Cumulative repeat purchases by week, actual and expected."""
    from crmkit import draw  # noqa: PLC0415 (heavy; only where something is drawn)

    actual, expected = say("actual"), say("expected")
    long = pd.concat(
        [
            frame.assign(line=actual, purchases=frame.actual),
            frame.assign(line=expected, purchases=frame.expected),
        ]
    )
    last = frame.iloc[-1]
    title = say(
        "{actual} repeat purchases, {expected} expected",
        actual=number(last.actual),
        expected=number(last.expected),
    )
    subtitle = say("Repeat purchases since the beginning, cumulative, by week")
    if held is not None:
        subtitle = say(
            "{what}; the model knows all but the last {weeks} weeks",
            what=subtitle,
            weeks=number(held.weeks),
        )
    return draw.curves(
        long,
        x="week",
        y="purchases",
        by="line",
        accent=(actual, expected),
        dashed=(expected,),
        kind="count",
        across=say("weeks"),
        name="lifetime-tracking",
        title=title,
        subtitle=subtitle,
        alt=say(
            "After {weeks} weeks {actual} repeat purchases had been made; the model expects"
            " {expected}.",
            weeks=number(last.week),
            actual=number(last.actual),
            expected=number(last.expected),
        ),
    )


def holdout(frame: pd.DataFrame, held: Holdout) -> Figure:
    """Repeat purchases per customer in the holdout, by repeats before it."""
    from crmkit import draw  # noqa: PLC0415

    actual, expected = say("actual"), say("expected")
    long = pd.concat(
        [
            frame.assign(line=actual, purchases=frame.actual, low=np.nan, high=np.nan),
            frame.assign(line=expected, purchases=frame.expected),
        ]
    )
    names = dict(zip(frame.repeats, frame.group, strict=True))
    return draw.curves(
        long,
        x="repeats",
        y="purchases",
        by="line",
        low="low",
        high="high",
        accent=(actual, expected),
        dashed=(expected,),
        kind="number",
        across=say("repeat purchases before"),
        write_x=lambda at: names.get(round(at), ""),
        name="lifetime-holdout",
        title=say(
            "{actual} purchases in the last {weeks} weeks, {expected} forecast: {error}",
            actual=number(held.actual),
            expected=number(held.expected.value),
            weeks=number(held.weeks),
            error=text.change(held.error),
        ),
        subtitle=say(
            "Purchases per customer in the holdout, by repeat purchases before it; the band holds"
            " 95% of what the model thinks likely"
        ),
        alt=say("; ").join(
            say(
                "{group} repeats: {actual} actual, {expected} expected",
                group=group,
                actual=number(seen, 2),
                expected=number(thought, 2),
            )
            for group, seen, thought in zip(frame.group, frame.actual, frame.expected, strict=True)
        ),
    )


def value(frame: pd.DataFrame, horizon: int) -> Figure:
    """Expected value by tenths of customers."""
    from crmkit import draw  # noqa: PLC0415

    shown = frame.assign(
        label=[say("tenth {n}", n=number(n)) for n in frame.decile],
        note=[percent(share, 0) for share in frame["share"]],
    )
    best, worst = frame.iloc[0], frame.iloc[-1]
    return draw.bars(
        shown,
        label="label",
        value="value",
        note="note",
        kind="money",
        accent=(str(shown.label.iloc[0]),),
        name="lifetime-value",
        title=say(
            "The most valuable tenth holds {share} of the value to come",
            share=percent(best["share"], 0),
        ),
        subtitle=say(
            "Expected value of the next {weeks} weeks by tenths of customers, and share of all",
            weeks=number(horizon),
        ),
        alt=say(
            "From {best} in the most valuable tenth to {worst} in the least valuable.",
            best=text.money(best.value, short=True),
            worst=text.money(worst.value, short=True),
        ),
    )


def alive(frame: pd.DataFrame) -> Figure:
    """P(alive) by repeat purchases and weeks since the last one."""
    from crmkit import draw  # noqa: PLC0415

    grid = frame.pivot_table(index="repeats", columns="weeks_since", values="p_alive")
    lost = frame[frame.p_alive < 0.5].groupby("repeats").weeks_since.min()
    words = say("; ").join(
        say(
            "{n} repeats: rather lost after {weeks} weeks",
            n=number(float(n)),
            weeks=number(float(weeks)),
        )
        for n, weeks in zip(lost.index.to_numpy(), lost.to_numpy(), strict=True)
    )
    return draw.triangle(
        grid,
        kind="rate",
        top=1.0,
        across=say("weeks since the last purchase"),
        name="lifetime-alive",
        title=_goodbye(lost),
        subtitle=say(
            "P(alive) in %, by repeat purchases (rows) and weeks since the last one, for a customer"
            " of {weeks} weeks",
            weeks=number(float(frame.age.iloc[0])),
        ),
        alt=words or _goodbye(lost),
    )


def _goodbye(lost: "pd.Series[int]") -> str:
    """The soonest silence after which a customer is rather lost than alive."""
    if lost.empty:
        return say("No silence so far is long enough to give a customer up")
    return say(
        "After {n} repeat purchases, {weeks} weeks of silence mean more likely lost than not",
        n=number(float(lost.index[-1])),
        weeks=number(float(lost.iloc[-1])),
    )

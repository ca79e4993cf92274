"""The charts of a scorecard of agents."""

from typing import TYPE_CHECKING

from crmkit.analyses.agents import words
from crmkit.blocks import Figure
from crmkit.text import number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.agents.result import Agents

_ROWS = 30
"""As many agents as a reader can tell apart in a list."""
_THIN = 0.1
"""Weeks with fewer of the cases of the fullest week are not drawn; the table has them."""


def funnel(result: "Agents") -> Figure:
    """Rates against cases, with control limits: who lies outside what chance allows."""
    from crmkit import draw  # noqa: PLC0415

    main = result.main
    points = result.of_mode()
    points = points[points.n > 0]
    limits = result.funnel[result.funnel["mode"] == main["mode"]]
    return draw.funnel_plot(
        points.assign(accented=points.stands != ""),
        limits,
        x="weight",
        y="adjusted",
        label="agent_id",
        accent="accented",
        centre=float(main.rate),
        inner=say("95% by chance"),
        outer=say("99.8% widened"),
        name="agents-funnel",
        title=_title(result),
        subtitle=say(
            "{label}, adjusted for the calls given, by number of cases. Dashed: 95% limits of "
            "chance. Dotted: 99.8%, widened {factor} for the spread between agents. {mode}.",
            label=words.rate_label(result),
            factor=words.times(float(main.factor) ** 0.5),
            mode=words.mode_name(main["mode"]),
        ),
        alt=result.headline,
        across=say(words.CASES[result.options.per]),
    )


def _title(result: "Agents") -> str:
    main = result.main
    if not main.above_chance:
        return say("The differences between agents are what chance makes")
    stands = result.of_mode().stands
    return say(
        "{above} agents are surely above the mean, {below} surely below",
        above=number((stands == "above").sum()),
        below=number((stands == "below").sum()),
    )


def rates(result: "Agents") -> Figure:
    """Shrunken rates with their intervals, the raw ones as hollow dots."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.of_mode()
    frame = frame[frame.n > 0]
    if len(frame) > _ROWS and result.main.above_chance:
        half = _ROWS // 2
        frame = frame.iloc[[*range(half), *range(len(frame) - half, len(frame))]]
    else:
        frame = frame.head(_ROWS)
    frame = frame.assign(few=frame.n < 30)
    return draw.dots(
        frame,
        label="agent_id",
        value="shrunk",
        low="shrunk_low",
        high="shrunk_high",
        previous="rate",
        reference=float(result.main.rate),
        accent=list(frame.agent_id[frame.stands != ""]) or ["—"],
        weak="few",
        name="agents-rates",
        title=_title(result),
        subtitle=say(
            "{label}, held back by what chance can do, with 95% interval; hollow dots are raw "
            "rates, the line is the mean. {shown} of {all} agents. {mode}.",
            label=words.rate_label(result),
            shown=number(len(frame)),
            all=number(result.main.agents),
            mode=words.mode_name(result.main["mode"]),
        ),
        alt=result.headline,
    )


def learning(result: "Agents") -> Figure:
    """The rate of new agents by week, settled colleagues being one."""
    level = result.growth.level_rate
    first = result.learning.iloc[0]
    title = say(
        "New agents begin at {ratio} of their settled colleagues ({span})",
        ratio=percent(first.ratio, 0),
        span=span(first.ratio_low, first.ratio_high, digits=0),
    )
    if level is not None:
        title = say("{begin}; level from week {week} on", begin=title, week=number(level))
    subtitle = say(
        "Rate on like calls by full weeks since hiring, settled colleagues = 100%, with 95% "
        "interval"
    )
    return _curve(result, "ratio", ("ratio_low", "ratio_high"), title, subtitle)


def handling(result: "Agents") -> Figure:
    """The handling of new agents by week, settled colleagues being one."""
    first = result.learning.iloc[0]
    title = say(
        "New agents' handling takes {ratio} of their settled colleagues' at first ({span})",
        ratio=percent(first.handle_ratio, 0),
        span=span(first.handle_ratio_low, first.handle_ratio_high, digits=0),
    )
    subtitle = say(
        "Talk and wrap-up on like calls by full weeks since hiring, settled colleagues = 100%, "
        "with 95% interval"
    )
    return _curve(
        result, "handle_ratio", ("handle_ratio_low", "handle_ratio_high"), title, subtitle
    )


def _curve(
    result: "Agents", value: str, limits: tuple[str, str], title: str, subtitle: str
) -> Figure:
    from crmkit import draw  # noqa: PLC0415

    frame = result.learning
    frame = frame[frame.n >= _THIN * frame.n.max()]
    return draw.curves(
        frame.assign(who=""),
        x="week",
        y=value,
        low=limits[0],
        high=limits[1],
        by="who",
        accent=[""],
        kind="rate",
        name=f"agents-{value.replace('_', '-')}",
        title=title,
        subtitle=subtitle,
        alt=title,
        across=say("Weeks since hiring"),
        write_x=number,
    )

"""From sums of states to days, agents, teams, intervals and pauses."""

import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.workload.options import Options
from crmkit.schema import AGENT_STATES
from crmkit.stats import mean_interval

__all__ = ["STATES", "by_agent", "by_day", "by_interval", "by_pause", "by_team", "shares"]

STATES = (*AGENT_STATES, "other")
_HANDLING = ["talk", "hold", "wrap"]
_FEWEST = 5  # days from which an agent's habits can be told
_LESS, _MORE = 0.8, 1.25  # of the floor's: what is too little, and too much


def _wide(sums: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Seconds in each state, a column each, by the keys."""
    wide = sums.groupby([*keys, "state"]).micros.sum().unstack("state")  # noqa: PD010
    wide = wide.reindex(columns=list(STATES)).fillna(0).astype("float64") / 1e6
    return wide.reset_index().rename_axis(columns=None)


def shares(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with login, handling, occupancy, utilisation and the share of pauses.

    Occupancy is handling over handling and ready; `occupancy_waiting` counts preview and ringing
    as waiting, too. Not known is nan.
    """
    login = frame[[state for state in STATES if state != "offline"]].sum(axis=1)
    handle = frame[_HANDLING].sum(axis=1)
    free = handle + frame.ready
    waiting = free + frame.preview + frame.ringing
    return frame.assign(
        login=login,
        handle=handle,
        occupancy=handle / free.where(free > 0),
        occupancy_waiting=handle / waiting.where(waiting > 0),
        utilisation=handle / login.where(login > 0),
        pause_share=frame["pause"] / login.where(login > 0),
    )


def by_day(answer: pd.DataFrame) -> pd.DataFrame:
    """One row for each agent and day with a state: seconds in each, login, occupancy."""
    sums = answer[answer.kind == "day"]
    wide = _wide(sums.assign(team=sums.team.fillna("")), ["agent_id", "team", "day"])
    wide["day"] = pd.Series(
        [pd.Timestamp(periods.period_start(int(day), "day")) for day in wide.day],
        dtype="datetime64[us]",
    )
    return shares(wide).sort_values(["day", "agent_id"], ignore_index=True)


def by_agent(days: pd.DataFrame, options: Options) -> pd.DataFrame:
    """One row an agent: days with login, seconds, hours a day and share of pauses with intervals.

    `short_login` and `long_pauses` are true where the whole interval lies beyond what is normal.
    """
    on = days[days.login > 0]
    sums = on.groupby(["agent_id", "team"])[list(STATES)].sum().reset_index()
    each = shares(sums)
    hours = on.assign(hours=on.login / 3600, hours2=(on.login / 3600) ** 2, part=on.pause_share)
    hours = hours.assign(part2=hours.part**2)
    totals = hours.groupby(["agent_id", "team"]).agg(
        days=("hours", "size"),
        hours=("hours", "sum"),
        hours2=("hours2", "sum"),
        part=("part", "sum"),
        part2=("part2", "sum"),
    )
    each = each.merge(totals.reset_index(), on=["agent_id", "team"])
    low, high = mean_interval(each.hours, each.hours2, each.days)
    part_low, part_high = mean_interval(each.part, each.part2, each.days)
    each = each.assign(
        hours_a_day=each.hours / each.days,
        hours_a_day_low=low,
        hours_a_day_high=high,
        pause_a_day=each.part / each.days,
        pause_a_day_low=np.maximum(part_low, 0.0),
        pause_a_day_high=part_high,
    ).drop(columns=["hours", "hours2", "part", "part2"])
    least, most = limits(each, options)
    enough = each.days >= _FEWEST
    return each.assign(
        short_login=enough & (each.hours_a_day_high < least),
        long_pauses=enough & (each.pause_a_day_low > most),
    ).sort_values("agent_id", ignore_index=True)


def limits(agents: pd.DataFrame, options: Options) -> tuple[float, float]:
    """Hours of login a day below which is little, and the share of pauses above which is much.

    Where none is given: four fifths of the median agent's hours, and five fourths of the floor's
    share.
    """
    median = float(agents.hours_a_day.median()) if len(agents) else float("nan")
    login, pause = agents.login.sum(), agents["pause"].sum()
    share = pause / login if login > 0 else float("nan")
    return (
        _LESS * median if options.login_hours is None else options.login_hours,
        _MORE * share if options.pause_share is None else options.pause_share,
    )


def by_team(days: pd.DataFrame) -> pd.DataFrame:
    """One row a team: agents, agent days, seconds in each state, occupancy."""
    on = days[days.login > 0]
    sums = on.groupby("team").agg(agents=("agent_id", "nunique"), days=("login", "size"))
    states = on.groupby("team")[list(STATES)].sum()
    return shares(sums.join(states).reset_index())


def by_interval(answer: pd.DataFrame, options: Options, *, team: bool = False) -> pd.DataFrame:
    """One row for each interval of the day (and day or team): seconds in each state.

    `at` is the local time at which it begins, `online` the mean number of agents logged in.
    """
    key = "team" if team else "day"
    sums = answer[answer.kind == ("team" if team else "interval")]
    wide = shares(_wide(sums.assign(team=sums.team.fillna("")), [key, "place"]))
    if not team:
        wide["day"] = pd.Series(
            [pd.Timestamp(periods.period_start(int(day), "day")) for day in wide.day],
            dtype="datetime64[us]",
        )
    return wide.assign(
        at=[clock(place, options) for place in wide.place],
        online=wide.login / (60 * options.interval),
    ).sort_values([key, "place"], ignore_index=True)


def clock(place: float, options: Options) -> str:
    """The local time at which an interval of the day begins, such as 09:30."""
    minutes = int(place) * options.interval
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def by_pause(answer: pd.DataFrame) -> pd.DataFrame:
    """One row a reason of pauses: seconds, agents, share of all pauses and of login."""
    sums = answer[answer.kind == "day"]
    login = sums.micros[sums.state != "offline"].sum()
    pauses = sums[sums.state == "pause"]
    each = (
        pauses.groupby("reason")
        .agg(micros=("micros", "sum"), agents=("agent_id", "nunique"))
        .reset_index()
    )
    total = each.micros.sum()
    return (
        each.assign(
            seconds=each.micros / 1e6,
            share=each.micros / total if total else np.nan,
            of_login=each.micros / login if login else np.nan,
        )
        .drop(columns="micros")
        .sort_values(["seconds", "reason"], ascending=[False, True], ignore_index=True)
    )

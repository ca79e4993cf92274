"""One agent's day, state by state, for a supervisor."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.analyses.workload.frames import STATES, shares
from crmkit.analyses.workload.options import EPOCH, Options
from crmkit.analyses.workload.pieces import read, whole
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Result
from crmkit.text import day, message, number, percent, say

__all__ = ["STATE_NAMES", "AgentDay", "day_of"]

STATE_NAMES = {
    "offline": message("Offline"),
    "ready": message("Ready"),
    "preview": message("Previewing"),
    "ringing": message("Ringing"),
    "talk": message("Talking"),
    "hold": message("Holding"),
    "wrap": message("Wrapping up"),
    "pause": message("Paused"),
    "other": message("Another state"),
}


def day_of(states: ir.Table, agent_id: str, on: dt.date, options: Options) -> "AgentDay":
    """The states of an agent on a local day, as the whole analysis counts them."""
    only = replace(options, start=on, as_of=on)
    own = states.filter(states.agent_id == agent_id)
    rows = whole(read(own, options), options)
    begin, end = (int((at - EPOCH).total_seconds() * 1e6) for at in (only.begin, only.end))
    rows = rows.filter((rows.until > rows.since) & (rows.since < end) & (rows.until > begin))
    rows = rows.order_by("since").select("state", "reason", "since", "until", "is_open")
    frame = rows.execute()
    since, until = frame.since.clip(lower=begin), frame.until.clip(upper=end)
    zone = periods.zone(options.timezone)

    def clock(micros: float) -> str:
        at = (EPOCH + dt.timedelta(microseconds=int(micros))).replace(tzinfo=dt.UTC)
        return at.astimezone(zone).strftime("%H:%M:%S")

    spans = pd.DataFrame(
        {
            "state": frame.state,
            "reason": frame.reason,
            "since": [clock(value) for value in since],
            "until": [clock(value) for value in until],
            "begin": (since - begin) / 3.6e9,
            "end": (until - begin) / 3.6e9,
            "seconds": (until - since) / 1e6,
            "is_open": frame.is_open,
        }
    )
    return AgentDay(
        agent_id=agent_id, on=on, timezone=options.timezone, begins=only.begin, spans=spans
    )


@dataclass(frozen=True, kw_only=True)
class AgentDay(Result):
    """The states of one agent on one day.

    `spans` has a row a state: since and until (local), begin and end (hours since the day began),
    seconds.
    """

    agent_id: str
    on: dt.date
    timezone: str
    begins: dt.datetime
    spans: pd.DataFrame = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether the agent had no state that day."""
        return not (self.spans.state != "offline").any()

    @property
    def totals(self) -> pd.DataFrame:
        """Seconds, share of login and number of spans of each state."""
        sums = self.spans.groupby("state").seconds.agg(["sum", "size"])
        sums = sums.reindex([state for state in STATES if state in sums.index])
        login = sums["sum"].drop("offline", errors="ignore").sum()
        frame = sums.rename(columns={"sum": "seconds", "size": "spans"}).reset_index()
        return frame.assign(
            share=(frame.seconds / login).where(frame.state != "offline") if login else float("nan")
        )

    @property
    def headline(self) -> str:
        """When the agent was there, and how busy."""
        words = {"agent": self.agent_id, "day": day(self.on)}
        if self.empty:
            return say("{agent} was not logged in on {day}.", **words)
        on = self.spans[self.spans.state != "offline"]
        wide = self.spans.groupby("state").seconds.sum().reindex(list(STATES)).fillna(0.0)
        total = shares(wide.to_frame().T).iloc[0]
        return say(
            "{agent} on {day}: logged in {hours} hours between {since} and {until}, occupancy "
            "{occupancy}, {pause} of login paused.",
            **words,
            hours=number(total.login / 3600, 1),
            since=on.since.iloc[0][:5],
            until=on.until.iloc[-1][:5],
            occupancy=percent(total.occupancy) or "–",
            pause=percent(total.pause_share),
        )

    @property
    def definition(self) -> Definition:
        """How the day is cut."""
        return Definition(
            (
                (say("Day"), say("From midnight to midnight in {zone}.", zone=self.timezone)),
                (say("Login"), say("All time but offline.")),
                (
                    say("Occupancy"),
                    say("Talk, hold and wrap-up over these and ready; pauses are left out."),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Time in each state; every state in order."""
        named = self.totals.assign(name=[say(STATE_NAMES[state]) for state in self.totals.state])
        spans = self.spans.assign(name=[say(STATE_NAMES[state]) for state in self.spans.state])
        return {
            "totals": Table(
                "agent-day",
                say("Time in each state."),
                named.assign(minutes=named.seconds / 60),
                (
                    Column("name", say("State")),
                    Column("minutes", say("Minutes"), "number", 1),
                    Column("share", say("Share of login"), "rate"),
                    Column("spans", say("Times"), "count"),
                ),
            ),
            "spans": Table(
                "agent-day-states",
                say("Every state in order."),
                spans,
                (
                    Column("since", say("Since")),
                    Column("until", say("Until")),
                    Column("name", say("State")),
                    Column("reason", say("Reason")),
                    Column("seconds", say("Seconds"), "number", 0),
                ),
            ),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The timeline, a lane for each state."""
        return {"timeline": self._lanes}

    def _lanes(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        shown = [state for state in STATES if state != "offline"]
        frame = self.spans[self.spans.state.isin(shown)]
        lanes = [state for state in shown if (frame.state == state).any()]
        names = {state: say(STATE_NAMES[state]) for state in lanes}
        hovers = [
            f"{names[state]} {since}–{until}" + (f" · {reason}" if reason else "")
            for state, since, until, reason in zip(
                frame.state, frame.since, frame.until, frame.reason, strict=True
            )
        ]
        zone = periods.zone(self.timezone)

        def clock(hours: float) -> str:
            at = (self.begins + dt.timedelta(hours=hours)).replace(tzinfo=dt.UTC)
            return at.astimezone(zone).strftime("%H:%M")

        return draw.lanes(
            frame.assign(lane=frame.state.map(names), hover=hovers),
            lane="lane",
            begin="begin",
            end="end",
            hover="hover",
            order=[names[state] for state in lanes],
            strong=[names[state] for state in lanes if state in ("talk", "hold")],
            write_x=clock,
            name="agent-day",
            title=self.headline,
            subtitle=say(
                "States by local time ({zone}), {day}", zone=self.timezone, day=day(self.on)
            ),
            alt=self.headline,
        )

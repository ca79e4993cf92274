"""Whose win is whose: the basis of commission, by a stated rule."""

from typing import Literal, get_args

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.analyses.agents.commission_result import RULES, Commission, Rule
from crmkit.analyses.agents.people import people_of
from crmkit.dials import dials
from crmkit.errors import ParameterError, nearest

__all__ = ["commission"]

Source = Literal["calls", "lead_events"]


def commission(
    calls: ir.Table,
    dispositions: ir.Table | None = None,
    lead_events: ir.Table | None = None,
    *,
    as_of: periods.Day,
    rule: Rule = "closer",
    agents: ir.Table | None = None,
    start: periods.Day | None = None,
    timezone: str = "UTC",
) -> Commission:
    """Wins credited to agents by a stated rule, beside what the other rules would give.

    A win is a handled call whose disposition is a sale; with `lead_events`, each event `won`
    instead. The conversations that led to a win are those of agents with the lead up to the win and
    after the lead's win before it, however long ago.

    Parameters:
        calls, dispositions, lead_events: canonical tables.
        as_of: the last local day of wins, included; `start`, the first, None for all.
        rule: "closer", the agent of the win; "first_contact", of the first conversation;
            "last_touch_before_win", of the last conversation that was over before the win; "split",
            the agents of all these conversations and the closer in equal parts. Where there was no
            such conversation, the closer.
        agents: the canonical table, for teams.
        timezone: IANA zone of the days.

    Returns: `Commission` with `credits` (agent_id, team, and the wins by each rule; a null agent
        for wins that name none), wins, unassigned, shared (wins that more than one agent talked
        for), without_lead. Each rule's credit sums to the wins. `actions()` lists the wins that
        name no agent.
    Raises: ParameterError for a rule that is not there.

    >>> import datetime as dt, ibis
    >>> def call(day, agent, code):
    ...     at = dt.datetime(2025, 3, day)
    ...     return {"call_id": f"k{day}", "lead_id": "l", "started_at": at, "agent_at": at,
    ...         "agent_id": agent, "result": "human", "disposition": code}
    >>> rows = [call(3, "ann", "NO"), call(4, "ben", "NO"), call(5, "eve", "SALE")]
    >>> codes = ibis.memtable([{"code": "SALE", "sale": True}, {"code": "NO", "sale": False}])
    >>> found = commission(ibis.memtable(rows), codes, as_of="2025-03-31")
    >>> found.credits[["agent_id", "closer", "first_contact", "split"]].values.tolist()
    [['eve', 1.0, 0.0, 0.3333333333333333], ['ann', 0.0, 1.0, 0.3333333333333333], \
['ben', 0.0, 0.0, 0.3333333333333333]]
    """
    if rule not in get_args(Rule):
        guess = nearest(rule, get_args(Rule))
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"rule is {rule!r}.{hint} Give one of: {', '.join(get_args(Rule))}.")
    last, first = periods.day(as_of), None if start is None else periods.day(start)
    if first is not None and first > last:
        raise ParameterError(f"start is {first}, after as_of, {last}.")
    rows = dials(calls, dispositions, as_of=last, timezone=timezone)
    won = _wins(rows, lead_events, last, timezone)
    if first is not None:
        won = won.filter(won.at >= periods.day_start(first, timezone))
    parts = _credited(won, _conversations(rows))
    people = people_of(agents, rows, timezone)
    answer = parts.left_join(people, parts.agent_id == people.person).drop("person").execute()
    answer = answer.sort_values(["rule", "agent_id", "agents"], ignore_index=True)
    credits_ = _frame(answer, rule)
    by_closer = answer[answer.rule == "closer"]
    by_split = answer[answer.rule == "split"]
    wins = int(by_closer.wins.sum())
    result = Commission(
        rule=rule,
        source="calls" if lead_events is None else "lead_events",
        as_of=last,
        start=first,
        timezone=timezone,
        credits=credits_,
        wins=wins,
        unassigned=int(by_closer.wins[by_closer.agent_id.isna()].sum()),
        shared=round(float((by_split.wins / by_split.agents)[by_split.agents > 1].sum())),
        without_lead=int(by_closer.without_lead.sum()),
        won=won,
    )
    for each in RULES:
        assert abs(credits_[each].sum() - wins) < 1e-6 * (1 + wins), each
    return result


def _conversations(rows: ir.Table) -> ir.Table:
    """Conversations of agents with leads."""
    talks = rows.filter(rows.contact & ~rows.agent_id.isnull() & ~rows.lead_id.isnull())
    return talks.select(
        talked_lead=talks.lead_id,
        talked_at=talks.agent_at,
        over_at=talks.ended_at.coalesce(talks.agent_at),
        talker=talks.agent_id,
        talk_id=talks.call_id,
    )


def _wins(
    rows: ir.Table, lead_events: ir.Table | None, last: periods.Day, timezone: str
) -> ir.Table:
    """One row a win: win_id, lead_id, closer, at, and `after`, the lead's win before it."""
    if lead_events is None:
        sold = rows.filter(rows.handled & rows.sale.fill_null(False))
        wins = sold.select(
            win_id=sold.call_id, lead_id=sold.lead_id, closer=sold.agent_id, at=sold.agent_at
        )
    else:
        end = periods.day_end(last, timezone)
        won = lead_events.filter((lead_events.kind == "won") & (lead_events.occurred_at < end))
        agent = won.agent_id if "agent_id" in won.columns else ibis.null("string")
        won = won.select(lead_id=won.lead_id, closer=agent.cast("string"), at=won.occurred_at)
        order = ibis.window(
            group_by=won.lead_id,
            order_by=[won.at, won.closer.fill_null("")],
            preceding=None,
            following=0,
        )
        number = ibis.row_number().over(order).cast("string")
        wins = won.mutate(win_id=won.lead_id.concat("#").concat(number))
        wins = wins.select("win_id", "lead_id", "closer", "at")
    by_lead = ibis.window(group_by=wins.lead_id, order_by=[wins.at, wins.win_id])
    before = ibis.ifelse(
        ~wins.lead_id.isnull(), wins.at.lag().over(by_lead), ibis.null(wins.at.type())
    )
    return wins.mutate(after=before)


def _credited(won: ir.Table, talks: ir.Table) -> ir.Table:
    """Wins by rule, agent and the number of agents who share them."""
    joined = won.inner_join(talks, (won.lead_id == talks.talked_lead) & (talks.talked_at <= won.at))
    led = joined.filter(joined.after.isnull() | (joined.talked_at > joined.after))
    parts = [
        won.select("win_id", agent_id=won.closer, rule=ibis.literal("closer")),
        _chosen(won, led, "first_contact"),
        _chosen(won, led.filter(led.over_at < led.at), "last_touch_before_win"),
        _everyone(won, led),
    ]
    parts = [part.select("rule", "win_id", "agent_id") for part in parts]
    credit = ibis.union(*parts)
    among = ibis.window(group_by=[credit.rule, credit.win_id])
    credit = credit.mutate(agents=credit.win_id.count().over(among))
    leads = won.select(winning=won.win_id, lone=won.lead_id.isnull().cast("int64"))
    credit = credit.inner_join(leads, credit.win_id == leads.winning)
    return credit.group_by(["rule", "agent_id", "agents"]).aggregate(
        wins=credit.win_id.count(), without_lead=credit.lone.sum()
    )


def _chosen(
    won: ir.Table, led: ir.Table, rule: Literal["first_contact", "last_touch_before_win"]
) -> ir.Table:
    """The agent of the first or last of the conversations that led to each win, or the closer."""
    keys = [led.talked_at, led.talk_id]
    if rule != "first_contact":
        keys = [ibis.desc(key) for key in keys]
    order = ibis.window(group_by=led.win_id, order_by=keys, preceding=None, following=0)
    ranked = led.mutate(place=ibis.row_number().over(order))
    one = ranked.filter(ranked.place == 0).select(led_to="win_id", talker="talker")
    joined = won.left_join(one, won.win_id == one.led_to)
    return joined.select(
        "win_id", agent_id=joined.talker.coalesce(joined.closer), rule=ibis.literal(rule)
    )


def _everyone(won: ir.Table, led: ir.Table) -> ir.Table:
    """Every agent of the conversations that led to each win, and its closer; null if nobody."""
    talked = led.select("win_id", agent_id=led.talker)
    closed = won.filter(~won.closer.isnull()).select("win_id", agent_id=won.closer)
    known = ibis.union(talked, closed).distinct()
    some = known.select(having="win_id").distinct()
    nobody = won.anti_join(some, won.win_id == some.having)
    nobody = nobody.select("win_id", agent_id=ibis.null("string"))
    return ibis.union(known, nobody).mutate(rule=ibis.literal("split"))


def _frame(answer: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """One row an agent, a column for each rule; the most credited by the chosen rule first."""
    credit = answer.assign(
        credit=answer.wins / answer.agents,
        agent_id=answer.agent_id.where(answer.agent_id.notna(), None),
    )
    wide = credit.pivot_table(
        index="agent_id", columns="rule", values="credit", aggfunc="sum", dropna=False
    ).reindex(columns=list(RULES))
    missing = credit[credit.agent_id.isna()].groupby("rule").credit.sum().reindex(RULES)
    teams = credit.dropna(subset="agent_id").groupby("agent_id").team.first()
    frame = wide.fillna(0.0).reset_index()
    frame = frame[frame.agent_id.notna()].assign(team=lambda f: f.agent_id.map(teams))
    frame = frame.sort_values([rule, "agent_id"], ascending=[False, True], ignore_index=True)
    if missing.fillna(0.0).sum() > 0:
        rest = missing.fillna(0.0).to_frame().T.assign(agent_id=None, team=None)
        frame = pd.concat([frame, rest], ignore_index=True) if len(frame) else rest
    return frame[["agent_id", "team", *RULES]]

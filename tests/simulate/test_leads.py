"""Leads and the desk: every step in its order, the pool in balance, planted odds recovered."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmkit.simulate import Season, World, firm
from crmkit.simulate.candidates import LOST, RELEASED, WON
from crmkit.simulate.journeys import Journeys, draw_journeys
from crmkit.simulate.met import Met
from crmkit.simulate.prospects import agents_table, lead_events_table, leads_table
from crmkit.simulate.telephone.crews import draw_agents
from crmkit.simulate.telephone.plans import Telephone
from crmkit.simulate.touches import NONE
from crmkit.simulate.worktime import WorkTime


def drawn(world: World) -> Journeys:
    shop = firm(world)
    return draw_journeys(Met(world, shop.people, shop.purchases))


@pytest.fixture(scope="module")
def demo() -> Journeys:
    return drawn(World.preset("demo"))


@pytest.fixture(scope="module")
def leads(demo: Journeys) -> pd.DataFrame:
    return leads_table(demo.met, demo.leads).to_pandas()


@pytest.fixture(scope="module")
def steps(demo: Journeys) -> pd.DataFrame:
    return lead_events_table(demo.met, demo.leads).to_pandas()


# The pool


def moves(leads: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    """What moves a lead into an owner's hands (+1) or out of them (-1), by time."""
    made = leads[["lead_id", "created_at"]].rename(columns={"created_at": "occurred_at"})
    made["kind"] = "created"
    kinds = ["recycled", "released", "won", "lost"]
    some = steps.loc[steps.kind.isin(kinds), ["lead_id", "occurred_at", "kind"]]
    both = pd.concat([made, some], ignore_index=True)
    both["step"] = both.kind.map({"created": 1, "recycled": 1}).fillna(-1).astype(int)
    return both.sort_values(["lead_id", "occurred_at", "step"], kind="stable")


def test_every_lead_is_in_hand_or_not_at_every_moment(
    leads: pd.DataFrame, steps: pd.DataFrame
) -> None:
    held = moves(leads, steps)
    in_hand = held.groupby("lead_id").step.cumsum()
    assert in_hand.isin([0, 1]).all()
    assert held.groupby("lead_id").kind.first().eq("created").all()
    ended = held[held.kind.isin(["won", "lost"])]
    assert ended.lead_id.is_unique
    assert (
        held.groupby("lead_id").tail(1).set_index("lead_id").loc[ended.lead_id].kind != "released"
    ).all()


def test_the_pool_is_in_balance_every_day(leads: pd.DataFrame, steps: pd.DataFrame) -> None:
    held = moves(leads, steps)
    day = (held.occurred_at + pd.Timedelta(hours=8)).dt.date
    flows = held.groupby([day, "kind"]).size().unstack(fill_value=0)  # noqa: PD010
    closing = 0
    for date, row in flows.iterrows():
        opening = closing
        closed = row["won"] + row["lost"]
        closing = opening + row["created"] + row["recycled"] - row["released"] - closed
        until = held[day <= date]
        assert closing == until.groupby("lead_id").step.sum().sum() >= 0
    assert flows.sum().min() > 100
    waiting = (flows["released"] - flows["recycled"]).cumsum()
    assert (waiting >= 0).all()


def test_steps_come_in_their_order(demo: Journeys, steps: pd.DataFrame) -> None:
    check_steps(demo)
    who = steps[steps.kind.isin(["won", "lost", "released"]) & steps.note.isna()]
    assert who.agent_id.notna().all()


@pytest.mark.parametrize(("days", "seed"), [(30, 1), (30, 2), (5, 3), (90, 4)])
def test_steps_come_in_their_order_in_short_times_too(days: int, seed: int) -> None:
    usual = World(customers=8000, seed=seed)
    short = drawn(replace(usual, market=replace(usual.market, days=days)))
    assert len(short.leads) > 100
    check_steps(short)
    table = lead_events_table(short.met, short.leads).to_pandas()
    assert table.occurred_at.min() >= short.met.span.instants(np.array([short.met.start]))[0]


def check_steps(demo: Journeys) -> None:
    leads, end = demo.leads, demo.met.span.seconds
    assert (leads.created >= demo.met.start).all() and (leads.created < end).all()
    first = leads.round == 0
    assert (leads.entered[first] == leads.created[leads.lead[first]]).all()
    known = leads.dispatched < end
    assert (leads.entered <= leads.dispatched)[known].all()
    known = leads.contacted < end
    assert (leads.dispatched <= leads.contacted)[known].all()
    assert (leads.contacted <= leads.ended)[known].all()
    same = leads.lead[1:] == leads.lead[:-1]
    assert (leads.outcome[:-1][same] == RELEASED).all()
    assert (leads.entered[1:] > leads.ended[:-1])[same].all()
    kept = (leads.outcome == RELEASED) & (leads.ended < end)
    days = (leads.ended - leads.dispatched)[kept] / 86_400
    assert (days == demo.met.world.desk.protection).all()


def test_a_win_is_the_first_order_of_its_customer(
    demo: Journeys, leads: pd.DataFrame, steps: pd.DataFrame
) -> None:
    orders = firm(demo.met.world).tables["orders"].to_pandas()
    customers = firm(demo.met.world).tables["customers"].to_pandas().set_index("customer_id")
    first = orders[~orders.refunded].groupby("customer_id").ordered_at.min()
    won = steps[steps.kind == "won"].merge(leads, on="lead_id")
    assert won.customer_id.is_unique and len(won) > 1000
    assert (won.occurred_at == won.customer_id.map(first)).all()
    assert (won.customer_id.map(customers.channel) == "电话销售").all()
    lost = leads[~leads.customer_id.isin(won.customer_id)]
    assert lost.customer_id.str.startswith("P").all()
    late = first[first.index.isin(customers.index[customers.channel == "电话销售"])]
    late = late[late >= leads.created_at.min() + pd.Timedelta(days=14)]
    assert late.index.isin(won.customer_id).mean() > 0.99


def test_leads_entered_twice_are_closed_and_never_given_out(
    demo: Journeys, leads: pd.DataFrame, steps: pd.DataFrame
) -> None:
    copies = steps[steps.note.notna()]
    assert 300 < len(copies) == (demo.leads.copy_of != NONE).sum()
    assert (copies.kind == "lost").all()
    assert not copies.lead_id.duplicated().any()
    assert steps[steps.lead_id.isin(copies.lead_id)].kind.eq("lost").all()
    person = leads.set_index("lead_id").customer_id
    original = copies.note.str.extract(r"(L\d+)")[0]
    assert (copies.lead_id.map(person).to_numpy() == original.map(person).to_numpy()).all()


def test_leads_from_visits_end_the_visit(demo: Journeys) -> None:
    visits, leads, deeds = demo.visits, demo.leads, demo.deeds
    asked = np.flatnonzero(visits.lead != NONE)
    online = [s.visits for s in demo.met.world.desk.sources]
    from_visits = np.array(online)[leads.source] & (leads.copy_of == NONE)
    assert len(asked) == len(np.unique(visits.lead[asked])) > 0.9 * from_visits.sum()
    assert (visits.stage[asked] == leads.stage[visits.lead[asked]]).all()
    rows = deeds.event == deeds.names.words.index("request_call")
    done = deeds.at
    assert (done[rows] == leads.created[visits.lead[deeds.visit[rows]]]).all()
    assert rows.sum() == len(asked)


# What is planted


def test_planted_odds_are_recovered(demo: Journeys) -> None:
    leads, desk = demo.leads, demo.met.world.desk
    known = leads.ended < demo.met.span.seconds
    source = leads.source[leads.lead]
    traits = np.column_stack(
        [
            np.ones(len(source)),
            *((source == k) for k in (0, 2, 3)),
            leads.stage[leads.lead],
            np.log1p(leads.response),
            draw_agents(demo.met.world).skill[leads.agent],
            leads.round,
        ]
    ).astype(float)
    fit = sm.Logit((leads.outcome == WON)[known].astype(float), traits[known]).fit(disp=0)
    planted = [
        desk.base,
        *(desk.sources[k].weight for k in (0, 2, 3)),
        *(desk.stage, -desk.speed, 1.0, -desk.again),
    ]
    for value, error, truth in zip(fit.params, fit.bse, planted, strict=True):
        assert abs(value - truth) < 4 * error
    assert fit.params[5] / fit.bse[5] < -6  # a wrong sign or no effect would be noticed
    assert fit.params[6] / fit.bse[6] > 6


def test_other_outcomes_are_as_planted(demo: Journeys) -> None:
    leads, desk = demo.leads, demo.met.world.desk
    early = leads.entered < demo.met.span.seconds - 60 * 86_400
    rest = early & (leads.outcome != WON)
    no = (leads.outcome[rest] == LOST).mean()
    assert abs(no - desk.lost) < 4 * np.sqrt(desk.lost * (1 - desk.lost) / rest.sum())
    again = np.bincount(leads.lead[leads.round == 1], minlength=len(leads)) > 0
    released = early & (leads.round == 0) & (leads.outcome == RELEASED)
    share = again[leads.lead[released]].mean()
    assert abs(share - desk.recycled) < 4 * np.sqrt(0.25 / released.sum())


def test_the_score_goes_with_winning_and_is_not_perfect(leads: pd.DataFrame) -> None:
    won = leads.customer_id.str.startswith("C")
    assert leads.score.between(0, 100).all()
    above = leads.score > leads.score.median()
    assert won[above].mean() > 1.5 * won[~above].mean() > 0.01


# Working time


def hours(world: World, *moments: str) -> list[float]:
    shop = firm(world)
    met = Met(world, shop.people, shop.purchases)
    start = np.datetime64(met.span.start, "s")
    shift = np.timedelta64(8, "h")
    at = [(np.datetime64(m, "s") - shift - start).astype(int) for m in moments]
    return WorkTime(met).hours(np.array(at)).tolist()


def test_working_time_by_hand() -> None:
    """From Friday 8 March 2024: nights, a Sunday; nine hours a day."""
    week = World(customers=0, start=dt.date(2024, 3, 8), days=10)
    assert hours(
        week,
        "2024-03-08T08:59:59",
        "2024-03-08T17:30:00",
        "2024-03-09T09:30:00",
        "2024-03-10T12:00:00",
        "2024-03-11T09:00:00",
        "2024-03-11T18:00:00",
        "2024-03-11T23:00:00",
    ) == pytest.approx([0, 8.5, 9.5, 18, 18, 27, 27])
    shut = replace(week, seasons=(Season("假", dt.date(2024, 3, 9), dt.date(2024, 3, 11), 0.5),))
    assert hours(shut, "2024-03-11T18:00:00", "2024-03-12T10:00:00") == pytest.approx([9, 10])


def test_working_time_goes_back_and_forth() -> None:
    world = World(customers=0, days=40)
    shop = firm(world)
    work = WorkTime(Met(world, shop.people, shop.purchases))
    spent = np.linspace(0.01, work.total - 0.01, 997)
    assert work.hours(work.seconds(spent)) == pytest.approx(spent)
    before, until = work.closed_before(work.seconds(spent))
    assert (before < until).all()
    assert work.hours(before) == pytest.approx(work.hours(until))


def test_the_desk_works_in_its_hours_and_leads_come_at_night(demo: Journeys) -> None:
    leads, met = demo.leads, demo.met
    given = leads.dispatched[leads.dispatched < met.span.seconds]
    local = met.span.local(given)
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    weekday = (local.astype("datetime64[D]").astype(int) + 3) % 7
    assert ((hour >= 9) & (hour <= 18)).all()
    assert (weekday != 6).mean() > 0.999
    at = met.span.local(leads.created[leads.copy_of == NONE])
    hour = (at - at.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    assert 0.05 < ((hour < 9) | (hour >= 18)).mean() < 0.2


def test_response_in_working_time_is_what_was_planted(demo: Journeys) -> None:
    leads, met = demo.leads, demo.met
    work = WorkTime(met)
    known = leads.contacted < met.span.seconds
    measured = work.hours(leads.contacted[known]) - work.hours(leads.dispatched[known])
    off = np.abs(measured - leads.response[known]) > 0.01
    assert off.mean() < 0.02  # only wins whose beginning lies before the days met


# Edges


def test_no_sale_of_the_desk_no_lead() -> None:
    world = World(customers=300)
    none = drawn(replace(world, desk=replace(world.desk, channel="没有")))
    assert len(none.leads) == 0
    assert lead_events_table(none.met, none.leads).num_rows == 0


def test_one_agent_one_round() -> None:
    world = World()
    alone = replace(world, desk=replace(world.desk, agents=1, rounds=1), telephone=Telephone())
    one = drawn(alone)
    table = lead_events_table(one.met, one.leads).to_pandas()
    assert set(table.agent_id.dropna()) == {"A001"}
    assert "recycled" not in set(table.kind)
    assert agents_table(one.met).num_rows == 1


def test_a_desk_that_never_opens_has_no_leads() -> None:
    sunday = World(customers=50, start=dt.date(2024, 3, 10), days=1)
    assert len(drawn(sunday).leads) == 0

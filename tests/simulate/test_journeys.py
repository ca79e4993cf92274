"""Visits, touches, campaigns: exact bookkeeping; planted quantities within 4 standard errors."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crmkit.errors import ParameterError
from crmkit.schema import TABLES
from crmkit.simulate import Desk, Drive, Leak, Market, Medium, Remedy, World, firm
from crmkit.simulate.contacts import interventions_table, spend_table, touches_table
from crmkit.simulate.events import events_table
from crmkit.simulate.identities import Identities, draw_identities
from crmkit.simulate.journeys import Journeys, draw_journeys
from crmkit.simulate.journeys_truth import journeys_truth, truth_tables
from crmkit.simulate.met import Met, arms, buy_probability
from crmkit.simulate.touches import NONE
from crmkit.simulate.visits import goes_on
from crmkit.simulate.write import _made, _tables, simulate

USUAL = World().market


def drawn(world: World) -> tuple[Journeys, pa.Table]:
    shop = firm(world)
    return draw_journeys(Met(world, shop.people, shop.purchases)), shop.tables["customers"]


@pytest.fixture(scope="module")
def demo() -> Journeys:
    return drawn(World.preset("demo"))[0]


@pytest.fixture(scope="module")
def events(demo: Journeys) -> pd.DataFrame:
    return events_table(demo).to_pandas()


@pytest.fixture(scope="module")
def touches(demo: Journeys) -> pd.DataFrame:
    return touches_table(demo).to_pandas()


@pytest.fixture(scope="module")
def identities(demo: Journeys) -> Identities:
    return draw_identities(demo, firm(demo.met.world).tables["customers"])


def near(seen: float, n: float, planted: float, sigmas: float = 4.0) -> bool:
    """Whether a count out of n is a plausible outcome of that probability."""
    return abs(seen - n * planted) <= sigmas * np.sqrt(max(n * planted * (1 - planted), 1e-9))


# The site


def test_every_stratum_leaks_as_planted(demo: Journeys) -> None:
    shares, visits = goes_on(demo.met.world.market), demo.visits
    for m in range(shares.shape[0]):
        for d in range(shares.shape[1]):
            stages = visits.stage[(visits.medium == m) & (visits.device == d)]
            for step in range(1, shares.shape[2]):
                before = (stages >= step - 1).sum()
                assert before > 15
                assert near((stages >= step).sum(), before, shares[m, d, step]), (m, d, step)


def test_the_leaks_show_in_the_events(demo: Journeys, events: pd.DataFrame) -> None:
    steps = [name for name, _ in USUAL.steps]
    did = events[events.event.isin(steps) & events.session_id.notna()]
    seen = did.groupby(["channel", "device", "event"]).size()  # each step once in a visit
    truth = journeys_truth(demo, Identities(table=pa.table({}), truth=_NO_TRUTH, links=b""))
    for row in truth["funnel"]:
        for step, planted in zip(steps, row["visits_seen"], strict=True):
            # visits cut off by the end of the world are all that may differ
            assert 0 <= planted - seen[row["channel"], row["device"], step] <= 3
    total = seen.groupby(["device", "event"]).sum()
    mobile, desktop = (
        total[device, "submit_order"] / total[device, "checkout"]
        for device in ("mobile", "desktop")
    )
    assert mobile < 0.85 * desktop


_NO_TRUTH = pa.table({name: pa.array([], pa.bool_()) for name in ("resolved", "wrong")})


def test_purchases_on_the_site_are_the_orders(demo: Journeys, events: pd.DataFrame) -> None:
    orders = firm(demo.met.world).tables["orders"].to_pandas()
    since = np.datetime64(demo.met.span.instants(np.array([demo.met.start]))[0])
    online = orders[
        orders.customer_id.notna()
        & ~orders.refunded
        & (orders.ordered_at >= since)
        & (orders.channel != "电话销售")
    ]
    bought = events[events.event == "purchase"]
    key = ["customer_id", "occurred_at"]
    left = bought[[*key, "value"]].sort_values(key).reset_index(drop=True)
    right = online.rename(columns={"ordered_at": "occurred_at"}).sort_values(key)
    assert left.customer_id.tolist() == right.customer_id.tolist()
    assert left.occurred_at.tolist() == right.occurred_at.tolist()
    assert left.value.tolist() == right.amount.astype(float).tolist()


def test_visits_are_whole_and_lie_in_the_days_met(demo: Journeys, events: pd.DataFrame) -> None:
    site = events[events.session_id.notna()]
    same = ["session_id", "visitor_id", "channel", "campaign", "device"]
    assert len(site.drop_duplicates(same)) == site.session_id.nunique() > 100_000
    ordered = site.sort_values("event_id")
    gaps = ordered.groupby("session_id").occurred_at.diff().dropna()
    assert (gaps >= pd.Timedelta(0)).all()
    instants = demo.met.span.instants(np.array([demo.met.start, demo.met.span.seconds]))
    assert events.occurred_at.min() >= instants[0]
    assert events.occurred_at.max() < instants[1]
    assert events.event_id.is_unique
    assert 500_000 < len(events) < 1_300_000


def test_the_form_is_left_as_planted(events: pd.DataFrame) -> None:
    opened = set(events.loc[events.event == "checkout", "session_id"])
    sent = set(events.loc[events.event == "submit_order", "session_id"])
    entered = events[events.event == "form_focus"].sort_values("event_id")
    last = entered.groupby("session_id").element.last()
    leavers = opened - sent
    started = last[last.index.isin(leavers)]
    assert near(len(leavers) - len(started), len(leavers), USUAL.unstarted)
    weight = sum(field.leaves for field in USUAL.fields)
    changed = events[events.event == "form_change"].groupby("element").session_id.agg(set)
    for field in USUAL.fields:
        assert near((started == field.name).sum(), len(started), field.leaves / weight)
        assert near(len(sent - changed[field.name]), len(sent), field.blank)
        assert near(len(entered[(entered.element == field.name) & entered.session_id.isin(sent)]),
                    len(sent), 1.0)  # fmt: skip


def test_clicks_and_scrolls_are_on_the_page(events: pd.DataFrame) -> None:
    clicks = events[events.event == "click"]
    assert clicks.x.between(0, 1).all() and (clicks.y >= 0).all()
    on_home = clicks[clicks.page == "/"]
    for element in USUAL.elements:
        if element.page == "/" and element.name:
            of_it = on_home[on_home.element == element.name]
            assert near(len(of_it), len(on_home), element.share)
            assert abs(of_it.x.mean() - element.x) < 4 * 0.05 / np.sqrt(len(of_it)) + 1e-3
    scrolls = events[events.event == "scroll"]
    assert scrolls.scroll.between(0.12, 1).all() and (scrolls.value > 0).all()
    seen = scrolls[scrolls.page == "/"].groupby("device").scroll.mean()
    assert seen["mobile"] < seen["tablet"] < seen["desktop"]


# Touches and what they caused


def test_touches_bring_purchases_as_often_as_planted(demo: Journeys) -> None:
    """Of all touches of a customer, as many as planted caused a purchase in the time there was."""
    met, causes, touches = demo.met, demo.causes, demo.touches
    market = met.world.market
    again = met.purchases.number[met.orders] > 1
    who, at = touches.customer, met.business(touches.at)
    usual = (touches.order == NONE) & (touches.drive == NONE) & (at >= met.people.arrived[who])
    room = np.minimum(met.left[who], met.ends) - at
    for position, medium in enumerate(market.media):
        of_it = usual & (touches.medium == position) & (room > 0)
        in_time = market.at_once - (1 - market.at_once) * np.expm1(-room[of_it] * 7 / market.delay)
        at_once = causes.at_once & again & (causes.medium == position)
        chance = medium.effect * np.append(in_time, np.ones(at_once.sum()))
        caused = ((causes.medium == position) & again & (causes.touched >= 0)).sum()
        assert abs(caused - chance.sum()) <= 4 * np.sqrt((chance * (1 - chance)).sum() + 1e-9)
        if medium.caused:
            assert caused > 50


def test_shares_of_purchases_caused_are_as_planted(demo: Journeys) -> None:
    met, causes = demo.met, demo.causes
    first = met.purchases.number[met.orders] == 1
    channel = met.people.channel[met.purchases.customer[met.orders]]
    names = [c.name for c in met.world.channels]
    for position, medium in enumerate(met.world.market.media):
        caused = causes.medium == position
        # repeat purchases right after the first could not be caused in time: a few less
        share = (caused & ~first).sum() / (~first).sum()
        assert 0.9 * medium.caused - 0.004 <= share <= medium.caused + 0.006
        if medium.name in names:
            own = first & (channel == names.index(medium.name))
            assert near((caused & own).sum(), own.sum(), medium.wins)


def test_last_touch_would_credit_a_medium_that_causes_nothing(
    demo: Journeys, touches: pd.DataFrame
) -> None:
    brand = [m.name for m in USUAL.media].index("百度品牌词")
    assert not (demo.causes.medium == brand).any()
    online = demo.causes.through != NONE
    assert (demo.causes.through == brand).sum() > 0.1 * online.sum()
    assert (touches.channel == "百度品牌词").sum() > 3000


def test_the_visit_of_a_purchase_begins_with_its_touch(
    demo: Journeys, events: pd.DataFrame, touches: pd.DataFrame
) -> None:
    bought = events.loc[events.event == "purchase", ["session_id", "customer_id"]]
    begun = events.groupby("session_id").occurred_at.min().rename("occurred_at")
    visit = events.drop_duplicates("session_id").set_index("session_id")[["channel", "campaign"]]
    starts = bought.join(begun, on="session_id").join(visit, on="session_id")
    names = ["customer_id", "occurred_at", "channel", "campaign"]
    found = starts.merge(touches[names].drop_duplicates(), how="left", on=names, indicator=True)
    assert (found._merge == "both").all()


def test_paths_without_a_purchase_are_there(touches: pd.DataFrame) -> None:
    open_ = touches[touches.customer_id.str.startswith("P")]
    assert open_.customer_id.nunique() > 3000
    assert set(touches.kind) == {"paid", "owned", "direct", "call"}
    assert touches.loc[touches.kind == "call", "channel"].unique().tolist() == ["电话销售"]


def test_spend_agrees_with_visits_and_touches(
    demo: Journeys, events: pd.DataFrame, touches: pd.DataFrame
) -> None:
    spend = spend_table(demo).to_pandas()
    assert not spend.duplicated(["day", "channel", "campaign"]).any()
    assert (spend.cost >= 0).all()
    site = events[events.session_id.notna()].sort_values("event_id").drop_duplicates("session_id")
    day = (site.occurred_at + pd.Timedelta(hours=8)).dt.date.rename("day")
    visits = site[site.campaign.notna()].groupby([day, "channel", "campaign"]).size()
    clicks = spend.set_index(["day", "channel", "campaign"]).clicks
    assert (clicks[clicks > 0] == visits).all()
    sms = spend[spend.channel == "短信"].impressions.sum()
    assert sms == (touches[touches.customer_id.str.startswith("C")].channel == "短信").sum()


# Trials


@pytest.mark.parametrize(("lift", "treated"), [(1.0, 0.5), (1.6, 0.7), (0.6, 0.5), (3.0, 0.9)])
def test_arms_drawn_after_the_outcome_are_as_if_drawn_before(lift: float, treated: float) -> None:
    rng = np.random.default_rng(3)
    chance = rng.beta(1, 6, 200_000)
    bought = rng.random(len(chance)) < chance
    taken, with_it, held_out = arms(rng, bought, chance, np.full(len(chance), lift), treated)
    for low, high in ((0, 0.03), (0.03, 0.15), (0.15, 1)):
        some = (chance >= low) & (chance < high)
        assert near(taken[some].sum(), some.sum(), treated)
        for arm, planted in ((taken, with_it), (~taken, held_out)):
            p = planted[some & arm]
            gap = bought[some & arm].sum() - p.sum()
            assert abs(gap) <= 4 * np.sqrt((p * (1 - p)).sum())
    assert np.allclose(treated * with_it + (1 - treated) * held_out, chance)
    inside = (with_it < 1) & (held_out < 1)
    assert np.allclose(with_it[inside], lift * held_out[inside])


def test_the_probability_to_buy_is_that_of_the_orders(demo: Journeys) -> None:
    met = demo.met
    who = np.arange(len(met.people))
    for day in (10, 60, 140):
        at = np.full(len(who), met.start + day * 86_400)
        chance = buy_probability(met, who, at, at + 14 * 86_400)
        chance = chance[met.people.arrived < met.business(at[:1])]
        bought = met.bought_within(who, at, at + 14 * 86_400)[: len(chance)]
        assert abs(bought.sum() - chance.sum()) <= 4 * np.sqrt((chance * (1 - chance)).sum())


def test_trials_have_the_planted_effect(demo: Journeys) -> None:
    trials, market = demo.trials, demo.met.world.market
    groups = [
        *((trials.drive == k, d.lift, 1 - d.holdout) for k, d in enumerate(market.drives)),
        *((trials.remedy == k, r.lift, market.treated) for k, r in enumerate(market.remedies)),
    ]
    for which, lift, treated in groups:
        some = trials.where(which)
        assert near(some.treated.sum(), len(some), treated)
        for arm, planted in ((some.treated, some.with_it), (~some.treated, some.held_out)):
            gap = some.bought[arm].sum() - planted[arm].sum()
            assert abs(gap) <= 4 * np.sqrt((planted[arm] * (1 - planted[arm])).sum())
        assert some.with_it.sum() == pytest.approx(lift * some.held_out.sum(), rel=0.06)
        if lift == 1.0:
            assert not some.needed.any()


def test_a_campaign_shows_and_a_placebo_does_not(demo: Journeys) -> None:
    table = interventions_table(demo).to_pandas()
    orders = firm(demo.met.world).tables["orders"].to_pandas()
    orders = orders[~orders.refunded & orders.customer_id.notna()]

    def difference(action: str, days: int) -> tuple[float, float]:
        arms_ = table[table.action == action]
        at = arms_.assigned_at.iloc[0]
        inside = orders.ordered_at.between(at, at + pd.Timedelta(days=days), inclusive="left")
        bought = arms_.customer_id.isin(orders[inside].customer_id)
        rate = bought.groupby(arms_.arm).mean()
        n = arms_.arm.value_counts()
        se = np.sqrt(sum(rate[arm] * (1 - rate[arm]) / n[arm] for arm in ("treated", "holdout")))
        return rate["treated"] - rate["holdout"], se

    gain, se = difference("M001", 14)
    assert gain > 3 * se
    gain, se = difference("M003", 14)
    assert abs(gain) < 4 * se


def test_a_strong_remedy_shows_by_reason() -> None:
    remedies = (Remedy("价格", "优惠券", 1.0, 1.0), Remedy("长期未购", "关怀", 3.0, 1.0))
    market = replace(USUAL, remedies=remedies, treated=0.5)
    made, _ = drawn(World(customers=15_000, market=market))
    trials = made.trials.where(made.trials.remedy == 1)
    a, b = trials.bought[trials.treated], trials.bought[~trials.treated]
    assert a.mean() - b.mean() > 6 * np.sqrt(a.var() / len(a) + b.var() / len(b))
    assert abs(trials.needed.sum() - (1 - b.mean() / a.mean()) * a.sum()) < 0.2 * a.sum()


def test_hidden_causes_of_orders_are_told(demo: Journeys, identities: Identities) -> None:
    tables = truth_tables(demo, identities)
    orders = tables["truth_orders"].to_pandas()
    assert orders.order_id.is_unique and len(orders) == len(demo.met.orders)
    assert orders.campaign.notna().sum() <= demo.trials.needed.sum()
    assert orders.campaign.value_counts()["M001"] == int(
        demo.trials.needed[demo.trials.drive == 0].sum()
    )
    assert "M003" not in set(orders.campaign)


# People


def test_signs_tell_causes_as_planted(demo: Journeys) -> None:
    met = demo.met
    for position, cause in enumerate(met.world.market.causes):
        if cause.event is None:
            continue
        left = (demo.churn == position) & (met.left < met.ends - 10) & (met.left > met.begins)
        told = np.isin(
            np.arange(len(met.people)), demo.signs.customer[demo.signs.cause == position]
        )
        assert near((told & left).sum(), left.sum(), cause.told)


def test_everybody_recommended_was_recommended_by_an_earlier_customer(
    demo: Journeys, events: pd.DataFrame
) -> None:
    met, referrals = demo.met, demo.referrals
    names = [c.name for c in met.world.channels]
    came = met.people.channel == names.index("老客户推荐")
    some = referrals.referrer != NONE
    assert (some <= came).all() and came.sum() - some.sum() <= 1
    assert (referrals.referrer[some] < np.flatnonzero(some)).all()
    assert (events.event == "share").sum() == (referrals.shared >= met.start).sum() > 100


def test_coupons_are_used_at_an_order_by_those_who_needed_them_more(
    demo: Journeys, events: pd.DataFrame
) -> None:
    sent, used = (events[events.event == name] for name in ("coupon_sent", "coupon_used"))
    orders = firm(demo.met.world).tables["orders"].to_pandas()
    bought = set(zip(orders.customer_id, orders.ordered_at, strict=True))
    assert set(zip(used.customer_id, used.occurred_at, strict=True)) <= bought
    both = used.merge(sent, on=["customer_id", "campaign", "value"], suffixes=("", "_sent"))
    assert len(both) == len(used) > 400
    days = (both.occurred_at - both.occurred_at_sent).dt.days
    assert days.between(0, 13).all()
    worth = {drive.name: drive.coupon for drive in USUAL.drives if drive.coupon}
    assert set(sent.campaign) == set(worth)
    assert (sent.value == sent.campaign.map(worth)).all()
    trials = demo.trials.where(demo.trials.treated & demo.trials.bought)
    coupons = demo.coupons
    used_by = coupons.used != NONE
    keys = set(zip(coupons.customer[used_by], coupons.drive[used_by], strict=True))
    with_coupon = trials.where(np.isin(trials.drive, np.unique(coupons.drive)))
    pairs = zip(with_coupon.customer, with_coupon.drive, strict=True)
    uses = np.array([pair in keys for pair in pairs])
    for needed, planted in ((True, 0.85), (False, 0.5)):
        chosen = uses[with_coupon.needed == needed]
        assert near(chosen.sum(), len(chosen), planted)


def test_identities_are_one_to_one_and_mostly_resolved(
    demo: Journeys, events: pd.DataFrame, identities: Identities
) -> None:
    table, truth = identities.table.to_pandas(), identities.truth.to_pandas()
    assert not table.duplicated(["source", "source_id"]).any()
    both = table.merge(truth, on=["source", "source_id"])
    assert len(both) == len(table) == len(truth)
    known = both.customer_id.notna()
    right = both.customer_id == both.person
    assert (right[known] == ~both.wrong[known]).all()
    shared = known & both.source.isin(["cookie", "wechat"])
    assert near(both.wrong.sum(), shared.sum(), 0.005) and both.wrong[~shared].sum() == 0
    assert (both.resolved == known).all()
    assert near((~known).sum(), (truth.source != "phone").sum(), 0.03)
    person = truth[truth.source == "cookie"].set_index("source_id").person
    seen = events[events.customer_id.notna() & events.session_id.notna()]
    assert (seen.visitor_id.map(person) == seen.customer_id).all()
    rows = list(csv.DictReader(io.StringIO(identities.links.decode())))
    owners = pd.DataFrame(rows).groupby(["source_a", "id_a"]).id_b.nunique()
    assert 50 < (owners > 1).sum() < 200  # switchboards


def test_anonymous_visits_become_known(demo: Journeys) -> None:
    visits, met = demo.visits, demo.met
    first = np.full(len(met.people), np.iinfo(np.int64).max)
    rows = met.bought[met.purchases.number[met.bought] == 1]
    first[met.purchases.customer[rows]] = met.purchases.at[rows]  # noqa: PD008
    mine = visits.customer >= 0
    before = mine & (visits.start < first[visits.customer]) & (visits.order == NONE)
    assert before.sum() > 1000
    assert not visits.known[before & (visits.lead == NONE)].any()


# The house rules


@pytest.fixture(scope="module")
def small_tables() -> dict[str, pa.Table]:
    return dict(_tables(_made(World())))


@pytest.mark.parametrize(
    "name",
    [n for n in TABLES if n not in ("calls", "agent_states", "dispositions", "lead_checks")],
)
def test_every_table_is_of_the_schema(small_tables: dict[str, pa.Table], name: str) -> None:
    table, planned = small_tables[name], TABLES[name]
    assert table.schema.remove_metadata() == planned.schema().to_pyarrow()
    assert table.num_rows > 0
    for column in planned.columns:
        values = table[column.name]
        assert not column.required or values.null_count == 0
        assert not column.values or set(values.to_pylist()) <= {*column.values, None}
    if planned.key:
        keys = [tuple(row.values()) for row in table.select(planned.key).to_pylist()]
        assert len(set(keys)) == len(keys)
    rows = table.select(planned.order).to_pylist()
    ranked = [tuple((v is None, "" if v is None else v) for v in row.values()) for row in rows]
    assert ranked == sorted(ranked)


def test_more_agents_or_media_leave_all_else_alone() -> None:
    world = World(customers=2000)
    usual, _ = drawn(world)
    agents, _ = drawn(replace(world, desk=replace(world.desk, agents=61)))
    for name, values in vars(usual.touches).items():
        assert np.array_equal(values, vars(agents.touches)[name])
    for name, values in vars(usual.trials).items():
        assert np.array_equal(values, vars(agents.trials)[name])
    more_media = (*USUAL.media, Medium("小红书", "paid", "feed", rate=0.0))
    media, _ = drawn(replace(world, market=replace(USUAL, media=more_media)))
    assert np.array_equal(usual.met.purchases.at, media.met.purchases.at)
    for position in range(len(USUAL.media)):
        rows = [
            j.touches.where((j.touches.medium == position) & (j.touches.order == NONE)).at
            for j in (usual, media)
        ]
        assert np.array_equal(*rows)


@pytest.mark.parametrize(
    "world",
    [
        World(customers=0, days=1),
        World(customers=1, days=1),
        World(customers=1, days=400),
        World(customers=200, market=Market()),
        World(customers=200, desk=Desk()),
        World(customers=200, market=replace(USUAL, days=1)),
        World(customers=200, market=replace(USUAL, media=(), leaks=())),
        World(customers=200, market=replace(USUAL, steps=(), leaks=())),
        World(customers=200, timezone="Europe/Berlin"),
        World(customers=2, parts=3),
    ],
)
def test_odd_firms_are_made(world: World, tmp_path) -> None:
    folder = simulate(world, out=tmp_path)
    names = {
        path.relative_to(folder).parts[0].removesuffix(".parquet") for path in folder.iterdir()
    }
    assert set(TABLES) - {"lead_checks"} <= names


def test_a_firm_in_parts_is_one_book(tmp_path) -> None:
    told: list[tuple[str, int, int]] = []
    world = World(customers=900, parts=3)
    simulate(world, out=tmp_path / "a", progress=lambda *step: told.append(step))
    simulate(world, out=tmp_path / "b")
    assert [step[1:] for step in told] == [(1, 3), (2, 3), (3, 3)]
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    for name in sorted(set(TABLES) - {"touches", "lead_events", "lead_checks"}):
        at = tmp_path / "a" / name
        table = pd.read_parquet(at if at.is_dir() else at.with_suffix(".parquet"))
        assert not table.duplicated(list(TABLES[name].key)).any()
        if name == "customers":
            assert len(table) == 900
            assert table.phone.dropna().is_unique


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Medium("x", "free", "y"), "Give paid, owned or direct"),
        (lambda: Medium("x", "paid", "y", effect=2), "effect"),
        (lambda: Leak("checkout", 0.0), "factor is 0.0"),
        (lambda: Drive("x", "短信", -1, 5, 0.5, 0.5, 1.0, 1.0), "starts of 0 or more"),
        (lambda: Remedy("x", "y", 0, 1.0), "lift"),
        (lambda: Market(days=0), "market.days is 0"),
        (lambda: replace(USUAL, steps=()), "which is no step"),
        (lambda: Market(media=(Medium("a", "paid", "x", rate=20, effect=0.1),)), "below 1"),
        (lambda: Desk(agents=0), "at least 1 agent"),
        (lambda: Desk(opens=18, closes=9), "the first below the second"),
    ],
)
def test_a_plan_that_cannot_be_says_what_to_change(make, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        make()

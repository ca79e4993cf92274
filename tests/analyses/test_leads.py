"""Leads by hand: stages in three ways, pool account, first response, aging."""

import importlib.util
import random
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

import crmkit as ck
from crmkit import text
from crmkit.analyses.leads.incidence import incidence
from crmkit.analyses.leads.policy import policy_gain
from crmkit.analyses.leads.speed import fitted
from crmkit.analyses.leads.wins import against_expected
from crmkit.errors import ParameterError
from crmkit.kaplan_meier import kaplan_meier
from crmkit.shrinkage import shrink
from crmkit.simulate import simulate

_spec = importlib.util.spec_from_file_location(
    "lead_rows", Path(__file__).with_name("lead_rows.py")
)
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)
lead_table, step_table = rows.lead_table, rows.step_table

WHEN = {"as_of": "2025-06-30"}
OFFICE = ck.working_hours("Mon-Fri 09:00-18:00")


class TestLife:
    LEADS = lead_table(
        ("full", "web", "2025-01-06 09:00", "c1"),
        ("backwards", "web", "2025-01-06 09:00", "c2"),
        ("lost", "fair", "2025-01-07 09:00"),
        ("direct", "fair", "2025-02-03 09:00", "c3"),
        ("silent", None, "2025-02-03 09:00"),
        ("late", "web", "2025-01-06 09:00"),
        ("young", "web", "2025-06-01 09:00"),
    )
    STEPS = step_table(
        ("full", "dispatched", "2025-01-06 10:00", "A1"),
        ("full", "interacted", "2025-01-06 10:00", "A1"),  # at the same second
        ("full", "intent", "2025-01-07 10:00", "A2"),
        ("full", "won", "2025-01-08 10:00", "A2"),
        ("backwards", "interacted", "2025-01-06 10:00"),
        ("backwards", "dispatched", "2025-01-06 11:00", "A2"),
        ("backwards", "won", "2025-01-09 11:00", "A2"),
        ("lost", "dispatched", "2025-01-07 10:00", "A1"),
        ("lost", "interacted", "2025-01-07 11:00", "A1"),
        ("lost", "lost", "2025-01-07 11:00", "A1"),
        ("direct", "won", "2025-02-04 09:00"),
        ("late", "dispatched", "2025-03-07 09:00", "A1"),  # 60 days and more after it was made
        ("young", "dispatched", "2025-06-01 10:00", "A1"),
        ("unknown", "dispatched", "2025-01-07 10:00", "A1"),
    )
    ORDERS = ibis.memtable(
        pd.DataFrame({
            "customer_id": ["c1", "c1", "c2", "c3"],
            "ordered_at": pd.to_datetime(["2025-01-08 10:00", "2025-03-09 10:00",
                                          "2025-01-10 00:00", "2025-02-10 00:00"]),
        })
    )  # fmt: skip

    @pytest.fixture
    def found(self):
        return ck.leads(self.LEADS, self.STEPS, self.ORDERS, **WHEN)

    def test_stages_in_order_at_all_and_by_status(self, found):
        stages = found.stages.set_index("stage")
        assert stages.loc["listed", ["ordered", "any", "status"]].tolist() == [6, 6, 6]
        assert stages.loc["dispatched", ["ordered", "any", "status"]].tolist() == [3, 3, 3]
        assert stages.loc["interacted", ["ordered", "any", "status"]].tolist() == [2, 3, 3]
        assert stages.loc["intent", ["ordered", "any", "status"]].tolist() == [1, 1, 3]
        assert stages.loc["won", ["ordered", "any", "status"]].tolist() == [1, 3, 3]
        # c1 bought again on the sixtieth day, its last; only wins in order count.
        assert stages.loc["again", ["ordered", "n"]].tolist() == [1, 1]
        assert stages.loc["dispatched"].hours == 1.0
        assert stages.loc["intent"].hours == 24.0

    def test_a_status_forgets_the_lost(self, found):
        assert int(found.cells.now_lost.sum()) == 1
        assert "2025" not in found.hidden
        assert "a status forgets" in found.hidden

    def test_young_leads_are_left_out_and_wins_without_dispatch_said(self, found):
        assert int(found.cells.young.sum()) == 1
        assert int(found.cells.undispatched.sum()) == 1
        assert "1 leads were won without being given out" in str(found.definition)

    def test_breakdowns_add_up(self, found):
        for column in ("cohort", "source"):
            assert found.by(column).n.sum() == 6
        owners = found.by("owner").set_index("owner")
        assert owners.n.to_dict() == {"A1": 2, "A2": 1}  # the first owner; none for the rest
        assert found.by("source").set_index("source").n.to_dict() == {"": 1, "fair": 2, "web": 3}

    def test_an_empty_book_says_so(self):
        found = ck.leads(lead_table(), step_table(), **WHEN)
        assert found.empty
        assert "none can be judged" in found.headline
        assert found.key_figures() == ()
        assert found.findings() == ()
        assert "Leads by stage" in str(found.table())

    def test_chinese(self, found):
        text.set_reader(language="zh", currency="CNY")
        assert "条线索" in found.headline
        for table in found.tables().values():
            assert "None" not in str(table)

    def test_impossible_windows_are_refused(self):
        with pytest.raises(ParameterError, match="at least 1 day"):
            ck.leads(self.LEADS, self.STEPS, window=0, **WHEN)


class TestPool:
    def test_each_flow_moves_a_lead_once(self):
        leads = lead_table(*((name, "web", "2025-03-03 09:00") for name in "abcd"))
        steps = step_table(
            ("a", "released", "2025-03-04 09:00"),
            ("a", "recycled", "2025-03-04 09:00"),  # at once: out and in
            ("a", "won", "2025-03-06 09:00"),
            ("b", "released", "2025-03-04 09:00"),
            ("b", "released", "2025-03-05 09:00"),  # twice
            ("c", "lost", "2025-03-05 09:00"),
            ("c", "recycled", "2025-03-07 09:00"),  # from the dead
            ("d", "dispatched", "2025-03-04 09:00"),
        )
        days = ck.lead_pool(leads, steps, as_of="2025-03-07").days
        columns = ["opening", "new", "recycled", "released", "won", "lost", "closing", "waiting"]
        assert days[columns].to_numpy().tolist() == [
            [0, 4, 0, 0, 0, 0, 4, 0],
            [4, 0, 1, 2, 0, 0, 3, 1],
            [3, 0, 0, 0, 0, 1, 2, 1],
            [2, 0, 0, 0, 1, 0, 1, 1],
            [1, 0, 1, 0, 0, 0, 2, 1],
        ]

    def test_steps_that_move_nothing_are_listed(self):
        leads = lead_table(("a", "web", "2025-03-03 09:00"), ("b", "web", "2025-03-03 09:00"))
        steps = step_table(
            ("a", "released", "2025-03-04 09:00"),
            ("a", "won", "2025-03-05 09:00"),
            ("b", "won", "2025-03-01 09:00"),  # before it was made
            ("b", "won", "2025-03-04 09:00"),
            ("b", "lost", "2025-03-05 09:00"),
            ("nobody", "won", "2025-03-05 09:00"),
        )
        found = ck.lead_pool(leads, steps, as_of="2025-03-07")
        listed = {(r.kind, r.state): r.n for r in found.exceptions.itertuples()}
        assert listed == {("won", "released"): 1, ("won", "none"): 1, ("lost", "closed"): 1,
                          ("other", "other"): 1}  # fmt: skip
        assert found.days.won.sum() == 1
        text.set_reader(language="zh")
        assert "在公海中无人跟进而成交" in str(found.table("exceptions"))

    def test_random_lives_balance_and_agree_with_a_plain_count(self):
        chance = random.Random(5)
        kinds = ["released", "recycled", "won", "lost", "dispatched", "contacted"]
        made, did = [], []
        for n in range(300):
            day = chance.randrange(1, 28)
            made.append((f"L{n}", "web", f"2025-03-{day:02d} 0{chance.randrange(3)}:00"))
            did += [
                (f"L{n}", chance.choice(kinds), f"2025-03-{chance.randrange(1, 32):02d} 0{hour}:30")
                for hour in range(chance.randrange(5))
            ]
        days = ck.lead_pool(lead_table(*made), step_table(*did), as_of="2025-03-31").days
        rank = {"created": 0, "released": 1, "recycled": 2, "won": 8, "lost": 9}
        for row in days.itertuples():
            end = f"{row.day.date() + pd.Timedelta(days=1)}"
            open_ = 0
            for lead, _, at in made:
                steps = [(at, "created")]
                steps += [(when, kind) for who, kind, when in did if who == lead and kind in rank]
                past = sorted((s for s in steps if s[0] < end), key=lambda s: (s[0], rank[s[1]]))
                open_ += bool(past) and past[-1][1] in ("created", "recycled")
            assert row.closing == open_

    def test_no_leads_and_a_start_after_the_end(self):
        found = ck.lead_pool(lead_table(), step_table(), as_of="2025-03-07")
        assert found.empty
        assert "the pool is empty" in found.headline
        assert found.findings() == found.key_figures() == ()
        with pytest.raises(ParameterError, match="is after"):
            ck.lead_pool(lead_table(), step_table(), as_of="2025-03-07", start="2025-03-08")


class TestResponse:
    LEADS = lead_table(*((name, "web", "2025-03-03 09:00") for name in "abcdef"))
    STEPS = step_table(
        ("a", "dispatched", "2025-03-03 10:00", "A1"),
        ("a", "contacted", "2025-03-03 10:30", "A1"),  # exactly in time
        ("a", "won", "2025-03-10 10:00", "A1"),
        ("b", "dispatched", "2025-03-07 17:45", "A1"),
        ("b", "contacted", "2025-03-10 09:10", "A1"),  # over the weekend: 25 minutes
        ("c", "dispatched", "2025-03-03 10:00", "A2"),
        ("c", "contacted", "2025-03-03 11:00", "A2"),
        ("d", "dispatched", "2025-03-03 10:00", "A2"),  # never, and given on
        ("d", "dispatched", "2025-03-04 10:00", "A1"),
        ("d", "contacted", "2025-03-04 10:05", "A1"),
        ("e", "dispatched", "2025-06-30 17:50", "A2"),  # waits: cannot be judged
        ("f", "dispatched", "2025-03-03 10:00"),  # the dialler's
        ("f", "contacted", "2025-03-03 10:01", "A9"),
    )

    @pytest.fixture
    def found(self):
        return ck.first_response(self.LEADS, self.STEPS, hours=OFFICE, **WHEN)

    def test_in_time_by_hand(self, found):
        owners = found.owners.set_index("agent")
        assert owners[["n", "judged", "within"]].to_numpy().tolist() == [[3, 3, 3], [3, 2, 0]]
        assert owners["median"].iloc[0] == 25
        assert (found.waiting, found.unowned) == (1, 1)

    def test_waits_fall_into_bands_and_wins_count_once_old(self, found):
        bands = found.bands.set_index("band")
        assert bands.n.tolist() == [1, 2, 1, 0, 0, 0, 2]
        assert bands.won.tolist() == [0, 1, 0, 0, 0, 0, 0]
        assert bands.mature.tolist() == [1, 2, 1, 0, 0, 0, 1]

    def test_from_creation_counts_first_assignments(self):
        found = ck.first_response(
            self.LEADS, self.STEPS, hours=OFFICE, since="created", sla=90, **WHEN
        )
        assert found.total[["n", "judged", "within"]].to_numpy().tolist() == [[5, 5, 1]]

    def test_nothing_to_measure_is_said(self):
        found = ck.first_response(self.LEADS, step_table(), hours=OFFICE, **WHEN)
        assert found.empty
        assert "no response to measure" in found.headline
        assert found.speed is None
        assert found.findings() == found.key_figures() == ()

    @pytest.mark.parametrize("given", [{"sla": 0}, {"days": 0}, {"window": 0}, {"since": "now"}])
    def test_impossible_requests_are_refused(self, given):
        with pytest.raises(ParameterError):
            ck.first_response(self.LEADS, self.STEPS, hours=OFFICE, **WHEN, **given)


def _cells(seed: int, slope: float) -> pd.DataFrame:
    """Wins of leads whose log odds fall with log(1 + hours), by source and owner."""
    rng = np.random.default_rng(seed)
    size = 6_000
    agent, source = rng.integers(0, 20, size), rng.integers(0, 3, size)
    waited = np.log1p(rng.exponential(2.0, size) * np.exp(rng.normal(0, 0.4, 20))[agent])
    skill = rng.normal(0, 0.45, 20)
    odds = -1.6 + np.array([0, 0.4, -0.9])[source] + skill[agent] + slope * waited
    frame = pd.DataFrame({"source": source.astype(str), "agent": agent.astype(str), "round": 1,
                          "fine": np.floor(waited * 8), "mature": 1,
                          "won": rng.random(size) < 1 / (1 + np.exp(-odds))})  # fmt: skip
    grouped = frame.groupby(["source", "agent", "round", "fine"], as_index=False)[
        ["mature", "won"]
    ].sum()
    return grouped.assign(waited=(grouped.fine + 0.5) / 8)


def test_the_planted_worth_of_speed_is_covered_and_none_is_claimed_where_there_is_none():
    planted = [fitted(_cells(seed, -0.45)) for seed in range(30)]
    assert sum(s.low <= -0.45 <= s.high for s in planted) >= 26
    assert sum(s.high < 0 for s in planted) == 30
    nothing = [fitted(_cells(seed, 0.0)) for seed in range(30)]
    assert sum(s.high < 0 for s in nothing) <= 3


class TestAging:
    STEPS = step_table(
        ("a", "dispatched", "2025-06-01 10:00", "A1"),
        ("a", "won", "2025-06-02 09:00", "A1"),  # within the first day
        ("b", "dispatched", "2025-06-01 10:00", "A1"),
        ("b", "dispatched", "2025-06-03 10:00", "A2"),  # owner changed after two days
        ("b", "won", "2025-06-10 10:00", "A2"),
        ("c", "dispatched", "2025-06-01 10:00", "A1"),
        ("c", "lost", "2025-06-04 10:00", "A1"),
        ("d", "dispatched", "2025-06-28 10:00", "A1"),  # open
        ("e", "dispatched", "2025-06-28 10:00"),  # without an owner
    )

    def test_owner_change_competes(self):
        found = ck.lead_aging(self.STEPS, **WHEN)
        assert (found.n, found.open) == (5, 1)
        curve = found.curve.set_index("duration")
        assert curve.loc[0, ["won", "lost", "moved"]].tolist() == [0.2, 0.0, 0.0]
        assert curve.loc[2, ["won", "moved"]].tolist() == pytest.approx([0.2, 0.2])
        assert curve.loc[3, ["won", "lost", "moved"]].tolist() == pytest.approx([0.2, 0.3, 0.2])
        assert curve.loc[7, "won"] == pytest.approx(0.5)
        assert ck.lead_aging(self.STEPS, owned=False, **WHEN).n == 6

    def test_nobody_assigned(self):
        found = ck.lead_aging(step_table(), **WHEN)
        assert found.empty
        assert "No lead was given to an owner" in found.headline
        assert found.key_figures() == found.findings() == ()

    def test_one_cause_alone_is_kaplan_meier(self):
        rng = np.random.default_rng(3)
        counts = pd.DataFrame({"duration": range(30), "won": rng.integers(0, 9, 30)})
        counts["n"] = counts.won + rng.integers(0, 9, 30) + 1
        ours = incidence(counts, ("won",))
        theirs = kaplan_meier(counts.rename(columns={"won": "ended"}))
        np.testing.assert_allclose(1 - ours.won, theirs.survival)
        np.testing.assert_allclose(ours.won_low, 1 - theirs.high, rtol=1e-9)
        np.testing.assert_allclose(ours.won_high, 1 - theirs.low, rtol=1e-9)

    def test_the_interval_covers_the_truth(self):
        """200 samples of 300 leads, won at rate 2, lost at rate 3 a hundred days, censored."""
        rng = np.random.default_rng(8)
        truth = 0.4 * (1 - np.exp(-5 * 0.20))  # won by day 20
        covered = 0
        for _ in range(200):
            ends = rng.exponential(20, 300)
            left = rng.uniform(5, 60, 300)
            cause = np.where(rng.random(300) < 0.4, "won", "lost")
            cause = np.where(ends < left, cause, "open")
            frame = pd.DataFrame({"duration": np.floor(np.minimum(ends, left) * 4), "cause": cause})
            counts = pd.crosstab(frame.duration, frame.cause).reset_index()
            counts["n"] = counts[["won", "lost", "open"]].sum(axis=1)
            curve = incidence(counts, ("won", "lost"))
            row = curve[curve.duration < 80].iloc[-1]
            covered += row.won_low <= truth <= row.won_high
        assert 182 <= covered <= 198


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firm")
    simulate(preset="small", out=folder)
    return ck.connect(folder)


def test_the_simulated_firm(book):
    last = book.last_day()
    pool = ck.lead_pool(book.leads, book.lead_events, as_of=last, timezone="Asia/Shanghai")
    assert pool.exceptions.empty
    assert pool.days.new.sum() == book.leads.count().execute()
    life = ck.leads(book.leads, book.lead_events, book.purchases, as_of=last)
    made = int(life.cells.n.sum() + life.cells.young.sum())
    assert made == book.leads.count().execute()
    stages = life.stages.set_index("stage")
    assert (stages["any"].dropna() >= stages.status.dropna()).all()
    assert stages.loc["interacted"].status < 0.5 * stages.loc["interacted", "any"]


class TestOwners:
    LEADS = lead_table(
        *((f"w{n}", "web", "2025-03-03 08:00", f"c{n}") for n in range(4)),
        ("f0", "fair", "2025-03-03 08:00", "c9"),
        ("new", "web", "2025-06-29 08:00"),
    )
    STEPS = step_table(
        ("w0", "dispatched", "2025-03-03 09:00", "A1"),
        ("w0", "interacted", "2025-03-03 10:00", "A1"),
        ("w0", "won", "2025-03-04 09:00", "A1"),
        ("w1", "dispatched", "2025-03-03 09:00", "A1"),
        ("w1", "dispatched", "2025-03-05 09:00", "A2"),  # handed on, then won by A2
        ("w1", "won", "2025-03-06 09:00", "A2"),
        ("w2", "dispatched", "2025-03-03 09:00", "A2"),
        ("w2", "won", "2025-04-03 09:00", "A2"),  # after its month
        ("w3", "dispatched", "2025-03-03 09:00"),  # nobody's
        ("w3", "won", "2025-03-04 09:00"),
        ("f0", "dispatched", "2025-03-03 09:00", "A1"),
        ("new", "dispatched", "2025-06-29 09:00", "A1"),
    )
    ORDERS = ibis.memtable(
        pd.DataFrame({
            "order_id": ["o1", "o2", "o3"],
            "customer_id": ["c0", "c0", "c1"],
            "ordered_at": pd.to_datetime(
                ["2025-03-04 09:00", "2025-03-05 09:00", "2025-03-20 09:00"]
            ),
            "amount": [10.0, 99.0, 5.0],
        })
    )  # fmt: skip

    def test_by_hand(self):
        found = ck.lead_owners(self.LEADS, self.STEPS, self.ORDERS, **WHEN)
        owners = found.owners.set_index("agent")
        columns = ["n", "interacted", "won", "unpaid", "revenue"]
        assert owners.loc["A1", columns].tolist() == [3, 1, 1, 0, 10.0]
        assert owners.loc["A2", columns].tolist() == [2, 0, 1, 1, 0.0]
        # web: first time 1 of 3, given out again 1 of 1; fair: 0 of 1.
        assert owners.expected.round(6).to_dict() == {"A1": 0.666667, "A2": 1.333333}
        assert "1 of 2 wins have no purchase" in found.findings()[-1].words

    def test_the_first_owner_may_be_credited(self):
        found = ck.lead_owners(self.LEADS, self.STEPS, rule="first", **WHEN)
        assert found.owners.set_index("agent").won.to_dict() == {"A1": 2, "A2": 0}
        assert "revenue" not in str(found.table().columns)

    def test_nobody_and_impossible_rules(self):
        found = ck.lead_owners(self.LEADS, step_table(), **WHEN)
        assert found.empty
        assert "No assignment to an owner" in found.headline
        assert found.key_figures() == found.findings() == ()
        with pytest.raises(ParameterError, match="Give one of: holder, first"):
            ck.lead_owners(self.LEADS, self.STEPS, rule="last", **WHEN)


class TestDispatch:
    LEADS = lead_table(
        ("closed", "web", "2025-03-03 08:00"),
        ("back", "web", "2025-03-03 08:00", "c1"),
        ("fresh", "web", "2025-06-29 08:00", "c2"),
        ("held", "web", "2025-06-29 08:00"),
        ("odd", "never seen", "2025-06-29 08:00"),
        *((f"e{n}", "web", "2025-03-03 08:00") for n in range(40)),
        *((f"l{n}", "web", "2025-05-20 08:00") for n in range(40)),
    )
    STEPS = step_table(
        ("closed", "dispatched", "2025-03-03 09:00", "A1"),
        ("closed", "lost", "2025-03-04 09:00", "A1"),
        ("back", "dispatched", "2025-03-03 09:00", "A1"),
        ("back", "released", "2025-03-20 09:00", "A1"),
        ("held", "dispatched", "2025-06-29 09:00", "A2"),
        *(
            (f"{half}{n}", "dispatched", f"2025-0{day} 09:00", f"A{n % 2 + 1}")
            for half, day in (("e", "3-03"), ("l", "5-20"))
            for n in range(40)
        ),
        ("e39", "dispatched", "2025-03-10 09:00", "gone"),
        *(
            (f"{half}{n}", "won", f"2025-0{day} 09:00", f"A{n % 2 + 1}")
            for half, day in (("e", "3-05"), ("l", "5-22"))
            for n in (0, 2, 4, 6, 8, 10, 12, 1)
        ),
    )

    @pytest.fixture
    def found(self):
        rules = ck.DispatchRules(protection=365)
        return ck.lead_dispatch(self.LEADS, self.STEPS, days=120, rules=rules, **WHEN)

    def test_who_waits_and_who_gets_them(self, found):
        waiting = found.waiting
        assert waiting.lead_id.tolist() == ["fresh", "back"]  # the newest first; one source
        assert waiting.customer_id.tolist() == ["c2", "c1"]
        listed = found.actions()
        assert listed.name == "leads_to_give_out"
        assert len(listed) == 2

    def test_who_left_gets_nothing_and_shares_add_up(self, found):
        shares = found.shares.set_index("agent").share
        assert shares["gone"] == 0
        assert shares.sum() == pytest.approx(1)
        assert shares["A1"] >= shares["A2"]
        assert shares.max() / shares[["A1", "A2"]].min() <= 1.5**2

    def test_the_policy_is_judged_on_later_leads(self, found):
        assert found.judged == 40
        value, low, high = found.gain
        assert low <= value <= high

    def test_nothing_to_learn_from(self):
        found = ck.lead_dispatch(lead_table(), step_table(), **WHEN)
        assert found.empty
        assert "old enough to learn from" in found.headline
        assert found.findings() == ()
        assert len(found.actions()) == 0
        with pytest.raises(ParameterError, match="give at least 1 for each"):
            ck.DispatchRules(cap=0.5)
        with pytest.raises(ParameterError, match="give 2 days or more"):
            ck.lead_dispatch(lead_table(), step_table(), days=1, **WHEN)

    def test_the_rules_of_giving_out(self):
        def listed(**rules):
            given = ck.DispatchRules(**rules)
            found = ck.lead_dispatch(self.LEADS, self.STEPS, days=120, rules=given, **WHEN)
            return found.waiting.set_index("lead_id").agent

        assert "back" not in listed(validity=100)  # it came in 119 days before
        assert "held" in listed(protection=1)
        assert "held" not in listed(protection=2)
        assert set(listed(who=("A2",))) == {"A2"}
        assert listed()["back"] == "A2"  # A1 had it last


def test_the_gain_of_a_policy_is_covered_whatever_owners_are_like():
    """60 firms of 20 owners, half of them with equal owners: where nothing can be gained."""
    rng = np.random.default_rng(4)
    covered = claimed = 0
    for firm in range(60):
        equal = firm % 2 == 0
        rates = 0.09 * np.exp(rng.normal(0, 0.0 if equal else 0.4, 20))
        parts = []
        for late in (False, True):
            n = rng.integers(80, 200, 20)
            parts.append(pd.DataFrame({
                "credited": [f"A{i:02d}" for i in range(20)], "source": "web", "again": False,
                "late": late, "n": n, "interacted": 0, "won": rng.binomial(n, rates), "unpaid": 0,
                "revenue": 0.0, "last": pd.Timestamp("2025-06-01"),
            }))  # fmt: skip
        cells = pd.concat(parts, ignore_index=True)
        (_, low, high), _, _ = policy_gain(cells, 1.5, 0)
        early = against_expected(cells[~cells.late])
        index = pd.Series(shrink(early.won, early.n, early.expected, seed=0).ratio)
        weights = index.clip(1 / 1.5, 1.5) / index.clip(1 / 1.5, 1.5).sum()
        later = cells[cells.late]
        scale = later.won.sum() / (later.n.to_numpy() * rates).sum()
        truth = later.n.sum() * scale * float(rates @ (weights - 0.05))
        covered += low <= truth <= high
        claimed += equal and low > 0
    assert covered >= 53
    assert claimed <= 3

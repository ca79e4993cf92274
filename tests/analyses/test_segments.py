"""Clusters, portraits, states, scenarios, interest, followers: by hand, and of little data."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.clusters import clusters
from crmkit.analyses.clusters.grouping import grouped, jaccard
from crmkit.analyses.followers import followers
from crmkit.analyses.interest import Behaviour, behaviours, interest
from crmkit.analyses.portraits import portraits
from crmkit.analyses.scenarios import scenarios
from crmkit.analyses.states import states
from crmkit.errors import InputError, ParameterError
from crmkit.stats import difference_interval, wilson
from crmkit.text import reading

DAY = dt.datetime(2025, 1, 1, 12)


def orders(rows) -> ibis.Table:
    """Rows of (customer, day, amount, category)."""
    rows = [(*row, *(5.0, "tea")[len(row) - 2 :]) for row in rows]
    frame = pd.DataFrame(
        [
            (f"o{i:05d}", c, DAY + dt.timedelta(days=d), a, False, k)
            for i, (c, d, a, k) in enumerate(rows)
        ],
        columns=["order_id", "customer_id", "ordered_at", "amount", "refunded", "category"],
    )
    kinds = {"order_id": "string", "customer_id": "string", "ordered_at": "timestamp",
             "amount": "float64", "refunded": "boolean", "category": "string"}  # fmt: skip
    return ibis.memtable(frame, schema=kinds)


def all_shown(result) -> None:
    with reading(language="zh"):
        assert result.headline
        assert result.definition.items
        result.tables()
        for name in result.plots():
            result.plot(name)
        result.findings()


class TestClusters:
    def three(self):
        rng = np.random.default_rng(1)
        rows = []
        for i in range(150):
            rows += [(f"a{i}", 340 - 7 * n + int(rng.integers(0, 3)), 200.0) for n in range(40)]
            rows += [(f"b{i}", 300 - 40 * n + int(rng.integers(0, 9)), 40.0) for n in range(5)]
            rows.append((f"c{i}", int(rng.integers(0, 25)), 5.0))
        return orders(rows)

    def test_planted_groups_are_found_and_stable(self):
        found = clusters(self.three(), as_of="2025-12-31")
        assert len(found.groups) == 3
        assert found.groups.customers.tolist() == [150] * 3
        assert found.groups.stable.all()
        kinds = found.members.customer_id.str[0]
        assert pd.crosstab(kinds, found.members.segment).to_numpy().tolist() == [
            [150, 0, 0], [0, 150, 0], [0, 0, 150]
        ]  # fmt: skip
        assert found.groups.value_share.sum() == pytest.approx(1)
        assert "often" in found.name(0)
        assert "long silent" in found.name(2)
        all_shown(found)

    def test_the_same_data_give_the_same_groups(self):
        rows = self.three()
        ours, again = (
            clusters(r, as_of="2025-12-31").members for r in (rows, rows.order_by("amount"))
        )
        pd.testing.assert_frame_equal(ours, again)

    def test_noise_has_no_stable_groups(self):
        x = np.random.default_rng(3).uniform(size=(800, 3))
        found = grouped(x, k=7, most=8, seed=0)
        assert (found.stable.jaccard < 0.75).any()

    def test_overlap_by_hand(self):
        labels = np.array([0, 0, 0, 1, 1])
        assert jaccard(np.array([True, True, False, False, True]), labels, 2) == 2 / 4
        assert np.isnan(jaccard(np.zeros(5, dtype=bool), labels, 2))

    @pytest.mark.parametrize(
        "rows", [[], [("a", 1)], [("a", 1), ("b", 1)], [(c, 1) for c in "abcdefgh"]]
    )
    def test_few_and_equal_customers(self, rows):
        found = clusters(orders(rows), as_of="2025-01-31")
        assert found.groups.customers.sum() == len(rows)
        all_shown(found)

    def test_what_cannot_be(self):
        with pytest.raises(ParameterError):
            clusters(orders([]), as_of="2025-01-31", k=1)
        assert len(clusters(self.three(), as_of="2025-12-31", k=4).groups) == 4


class TestPortraits:
    PEOPLE = ibis.memtable(
        {
            "customer_id": [f"c{i}" for i in range(100)],
            "channel": ["x"] * 40 + ["y"] * 50 + [None] * 10,
            "tags": [["vip", "vip", "新"] if i % 2 else [] for i in range(100)],
        },
        schema={"customer_id": "string", "channel": "string", "tags": "array<string>"},
    )
    MEMBERS = pd.DataFrame(
        {"customer_id": [f"c{i}" for i in range(100)], "segment": ["a"] * 50 + ["b"] * 50}
    )

    def test_shares_by_hand(self):
        found = portraits(self.PEOPLE, self.MEMBERS)
        rows = found.rows.set_index(["segment", "attribute", "value"])
        x = rows.loc[("a", "channel", "x")]
        assert (x.inside, x.n, x.outside, x.n_outside) == (40, 50, 0, 40)  # ten are not known
        assert x.rate == 0.8
        assert np.isnan(x["lift"])
        low, high = difference_interval(40, 50, 0, 40)
        assert (x.difference_low, x.difference_high) == (low, high)
        vip = rows.loc[("b", "tags", "vip")]
        assert (vip.inside, vip.outside) == (25, 25)
        assert vip.p == 1
        assert found.headline.startswith("a: 80.0% have Channel x")
        all_shown(found)

    def test_a_customer_in_two_segments(self):
        both = pd.concat([self.MEMBERS, pd.DataFrame({"customer_id": ["c0"], "segment": ["b"]})])
        rows = portraits(self.PEOPLE, both, attributes=["channel"]).rows
        rows = rows.set_index(["segment", "value"])
        assert (rows.inside[("a", "x")], rows.inside[("b", "x")]) == (40, 1)
        assert rows.outside[("b", "x")] == 39  # of the other members, itself not among them
        assert rows.n[("b", "x")] == 41

    def test_all_in_one_segment_and_nobody(self):
        one = self.MEMBERS.assign(segment="a")
        found = portraits(self.PEOPLE, one)
        assert found.rows.p.isna().all()
        assert "do not differ" in found.headline
        all_shown(found)
        all_shown(portraits(self.PEOPLE, one.head(0)))
        all_shown(portraits(self.PEOPLE.select("customer_id"), one))

    def test_what_cannot_be(self):
        with pytest.raises(ParameterError, match="Did you mean 'channel'"):
            portraits(self.PEOPLE, self.MEMBERS, attributes=["chanel"])
        with pytest.raises(InputError, match="needs customer_id and segment"):
            portraits(self.PEOPLE, self.MEMBERS.rename(columns={"segment": "group"}))


class TestStates:
    def test_by_hand(self):
        every = [("often", d) for d in range(0, 360, 10)]
        made = [*every, ("new", 355), ("once", 0), ("back", 0), ("back", 10), ("back", 350)]
        found = states(orders(made), as_of="2025-12-31", history=2)
        # Usual gap: (350 + 350) / (35 + 2) = 18.9 days.
        assert found.now.to_dict() == {
            "new": 1, "active": 1, "cooling": 0, "dormant": 0, "lost": 1, "returned": 1
        }  # fmt: skip
        assert found.counts.groupby("day").customers.sum().tolist() == [3, 3, 4]
        moves = found.moves.set_index(["before", "state"])
        assert moves.rate[("lost", "returned")] == 1 / 4  # two customers, two steps
        assert moves.rate_low[("lost", "returned")] == float(wilson(1, 4)[0])
        all_shown(found)

    def test_rates_from_a_state_add_up(self):
        rng = np.random.default_rng(2)
        rows = [(f"c{rng.integers(0, 80)}", int(rng.integers(0, 360))) for _ in range(900)]
        moves = states(orders(rows), as_of="2025-12-31").moves
        assert moves.groupby("before").rate.sum().to_numpy() == pytest.approx(1)

    def test_nobody_and_what_cannot_be(self):
        all_shown(states(orders([]), as_of="2025-12-31"))
        for wrong in ({"cooling": 4}, {"step": 0}, {"history": 0}):
            with pytest.raises(ParameterError):
                states(orders([]), as_of="2025-12-31", **wrong)


class TestScenarios:
    def test_by_hand(self):
        made = [("a", 0), ("b", 0), ("b", 50, 5.0, "cups"), ("c", 20), ("c", 70)]
        rows = scenarios(orders(made), as_of="2025-03-12", edges=(30,)).rows  # day 70
        rows = rows.set_index(["value", "span"])
        assert rows.customers.to_dict() == {("cups", 0): 1, ("tea", 0): 1, ("tea", 1): 1}
        # At day 40: a and b silent for more than 30 days, c for 20; b and c bought since.
        assert rows.n.to_dict() == {("cups", 0): 0, ("tea", 0): 1, ("tea", 1): 2}
        assert rows.rate[("tea", 1)] == 0.5
        assert np.isnan(rows.rate[("cups", 0)])

    def test_customers_add_up_and_words(self):
        rng = np.random.default_rng(5)
        rows = [(f"c{rng.integers(0, 300)}", int(rng.integers(0, 300)), 5.0,
                 rng.choice(["茶", "cup", None])) for _ in range(900)]  # fmt: skip
        found = scenarios(orders(rows), as_of="2025-10-01")
        assert found.rows.customers.sum() == len({c for c, d, *_ in rows if d <= 273})
        all_shown(found)
        all_shown(scenarios(orders([]), as_of="2025-10-01"))

    @pytest.mark.parametrize("wrong", [{"edges": (60, 30)}, {"edges": ()}, {"within": 0}])
    def test_what_cannot_be(self, wrong):
        with pytest.raises(ParameterError):
            scenarios(orders([]), as_of="2025-10-01", **wrong)


class TestInterest:
    TABLE = (Behaviour("cart", "Cart", "加购", 4.0), Behaviour("view", "View", "浏览", 1.0))

    def did(self, rows):
        frame = pd.DataFrame(
            [(c, e, DAY + dt.timedelta(days=d)) for c, e, d in rows],
            columns=["customer_id", "event", "occurred_at"],
        )
        kinds = {"customer_id": "string", "event": "string", "occurred_at": "timestamp"}
        return ibis.memtable(frame, schema=kinds)

    def test_points_fade_by_hand(self):
        rows = [("a", "cart", 30), ("a", "view", 16), ("a", "view", -60), ("b", "view", 31),
                ("a", "scroll", 30), (None, "cart", 30)]  # fmt: skip
        found = interest(
            self.did(rows), orders([]), as_of="2025-01-31", table=self.TABLE, half_life=14
        )
        assert found.customers.to_numpy().tolist() == [["a", 4 + 0.5]]  # b came a day later

    def test_a_score_that_tells_who_buys(self):
        rng = np.random.default_rng(6)
        rows, bought = [], []
        for i in range(1500):
            carts, views = int(rng.integers(0, 3)), int(rng.integers(0, 4))
            rows += [(f"c{i}", "cart", 20)] * carts + [(f"c{i}", "view", 20)] * views
            if rng.random() < 1 / (1 + np.exp(2.5 - 1.5 * carts)):
                bought.append((f"c{i}", 40))
        found = interest(self.did(rows), orders(bought), as_of="2025-02-20", table=self.TABLE)
        assert found.auc_low > 0.6
        assert found.auc_low < found.auc < found.auc_high
        weights = found.weights.set_index("event")
        assert weights.fitted["cart"] == 4
        assert abs(weights.fitted["view"]) < 0.6
        assert found.tenths.n.sum() == len({c for c, *_ in rows})
        assert found.tenths.rate.iloc[-1] > found.tenths.rate.iloc[0]
        all_shown(found)

    def test_little_known_and_what_cannot_be(self, tmp_path):
        all_shown(interest(self.did([]), orders([]), as_of="2025-01-31"))
        one = interest(
            self.did([("a", "cart", 5)]), orders([]), as_of="2025-01-31", table=self.TABLE
        )
        assert "cannot be tried yet" in one.headline
        all_shown(one)
        with pytest.raises(ParameterError):
            interest(self.did([]), orders([]), as_of="2025-01-31", half_life=0)
        path = tmp_path / "b.csv"
        path.write_text("event,name_en,weight\nx,X,many\n", encoding="utf-8")
        with pytest.raises(InputError, match="line 2"):
            behaviours(path)
        with pytest.raises(ParameterError):
            behaviours("nowhere")


class TestFollowers:
    def joined(self, rows):
        frame = pd.DataFrame(
            [(c, DAY + dt.timedelta(days=d)) for c, d in rows],
            columns=["customer_id", "created_at"],
        )
        return ibis.memtable(frame, schema={"customer_id": "string", "created_at": "timestamp"})

    def test_by_hand(self):
        people = self.joined([("a", 0), ("b", 0), ("c", 200), ("d", 200), ("e", 290)])
        did = orders([("a", 250), ("b", 30), ("c", 280), ("d", 205)])
        found = followers(people, did, as_of="2025-10-28", days=60)  # day 300; known to day 240
        months = found.cohorts.set_index("month")
        assert months.n.tolist() == [2, 2, 1]
        assert months.lost.tolist() == [1, 1, 0]
        assert months.young.tolist() == [False, False, True]
        # At day 240 a had been silent since day 0 and was lost already; c and d were there.
        assert (found.new, found.old) == ((2, 1), (0, 0))
        all_shown(found)

    def test_the_edge_of_silence(self):
        people = self.joined([("a", 0), ("b", 0)])
        found = followers(people, orders([("a", 240), ("b", 241)]), as_of="2025-10-28", days=60)
        assert found.cohorts.lost.tolist() == [1]

    def test_new_against_old(self):
        rows = [(f"n{i}", 200) for i in range(200)] + [(f"o{i}", 0) for i in range(200)]
        did = [(f"n{i}", 230) for i in range(200)] + [(f"o{i}", 230) for i in range(200)]
        did += [(f"n{i}", 280) for i in range(50)] + [(f"o{i}", 280) for i in range(150)]
        found = followers(self.joined(rows), orders(did), as_of="2025-10-28")
        assert (found.new, found.old) == ((200, 150), (200, 50))
        assert found.difference[0] == 0.5
        assert "first weeks" in found.findings()[0].action
        all_shown(found)

    def test_nobody_and_what_cannot_be(self):
        all_shown(followers(self.joined([]), orders([]), as_of="2025-10-28"))
        with pytest.raises(ParameterError):
            followers(self.joined([]), orders([]), as_of="2025-10-28", days=0)
        with pytest.raises(InputError):
            followers(orders([]), orders([]), as_of="2025-10-28")

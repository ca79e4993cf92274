"""The churn warning: labels, trials without leakage, measures, rules, reasons, published data."""

import datetime as dt
import json
from pathlib import Path
from typing import ClassVar

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit import connect
from crmkit.analyses.churn import Leaving, churn, churn_model
from crmkit.analyses.churn import backtest as trials
from crmkit.analyses.churn.features import design, measures
from crmkit.analyses.churn.model import Constant, Logistic, boosted, logistic
from crmkit.analyses.churn.rules import flags, judged
from crmkit.analyses.churn.sheets import Rule, reasons, rules
from crmkit.analyses.churn.when import conditional, silences
from crmkit.analyses.churn.why import why
from crmkit.errors import InputError, ParameterError
from crmkit.simulate import simulate
from crmkit.stats import wilson
from crmkit.text import reading

DATA = Path(__file__).parents[3] / "shared" / "data"
DAY = dt.datetime(2025, 1, 1, 12)


def snapshot(**columns) -> pd.DataFrame:
    """Rows of a snapshot, all columns there."""
    n = len(next(iter(columns.values())))
    usual = {
        "customer_id": [f"c{i}" for i in range(n)], "snapshot": 100, "tenure": 100, "recency": 10,
        "silent": 10, "orders": 2, "spend": 20.0, "spend_90": 20.0, "orders_30": 1,
        "orders_before_30": 1, "active_7": 1, "active_30": 2, "active_before_30": 2,
        "calls_30": 0, "calls_before_30": 0, "complaint": 0, "bad_review": 0,
        "search_discount": 0, "next_in": None, "next_active_in": None, "end_in": None, "known": 999,
    }  # fmt: skip
    return pd.DataFrame(usual | columns, index=range(n))


def orders(rows) -> ibis.Table:
    frame = pd.DataFrame(
        [(f"o{i}", c, DAY + dt.timedelta(days=d), a, False) for i, (c, d, a) in enumerate(rows)],
        columns=["order_id", "customer_id", "ordered_at", "amount", "refunded"],
    )
    return ibis.memtable(
        frame, schema={"order_id": "string", "customer_id": "string", "ordered_at": "timestamp",
                       "amount": "float64", "refunded": "boolean"},
    )  # fmt: skip


class TestLeaving:
    def test_the_edges_of_the_horizon(self):
        rows = snapshot(next_in=[8, 67, 68, None], known=[999] * 4)
        assert Leaving(days=60, gap=7).left(rows).tolist() == [0, 0, 1, 1]

    def test_what_is_not_over_is_not_known(self):
        rows = snapshot(next_in=[None, 20, None], known=[66, 66, 67])
        left = Leaving(days=60, gap=7).left(rows)
        assert np.isnan(left[:2]).all()
        assert left[2] == 1

    def test_who_is_gone_cannot_leave(self):
        rows = snapshot(recency=[59, 60], silent=[0, 0])
        assert Leaving(days=60).staying(rows).tolist() == [True, False]
        assert Leaving(days=60, by="activity").staying(rows).tolist() == [True, True]

    def test_by_rhythm_everybody_has_a_horizon_of_their_own(self):
        # Gaps of 20 and of 40 days; the usual gap of the snapshot is (80 + 40) / (4 + 1) = 24.
        rows = snapshot(tenure=[90, 50], recency=[10, 10], orders=[5, 2])
        own = [3 * (80 + 24) / 5, 3 * (40 + 24) / 2]
        horizon = Leaving(by="rhythm", days=30, times=3).horizon(rows)
        assert horizon.tolist() == [round(h) for h in own]

    def test_a_contract_ends_inside_the_horizon(self):
        rows = snapshot(end_in=[7, 8, 67, 68, None])
        assert Leaving(by="contract").left(rows).tolist() == [0, 1, 1, 0, 0]

    @pytest.mark.parametrize("wrong", [{"by": "mood"}, {"days": 0}, {"gap": -1}, {"longest": 5}])
    def test_what_cannot_be(self, wrong):
        with pytest.raises(ParameterError):
            Leaving(**wrong)


class TestTrials:
    @pytest.fixture
    def past(self):
        rng = np.random.default_rng(1)
        n = 4000
        rows = pd.DataFrame(
            {
                "customer_id": [f"c{i}" for i in range(n)],
                "snapshot": np.repeat([100, 130, 160, 190], n // 4),
            }
        )
        x = rng.normal(size=n)
        rows["left"] = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(float)
        return pd.DataFrame({"x": x, "z": rng.normal(size=n)}), rows

    def test_a_model_sees_only_what_was_complete(self, past):
        features, rows = past
        seen = []

        def spy(train, left):
            seen.append(sorted(rows.snapshot[train.index].unique()))
            return logistic(train, left)

        found = trials.tried(features, rows, {"spy": spy}, known_after=45)
        assert seen == [[100], [100, 130]]
        assert sorted(found.snapshot.unique()) == [160, 190]

    def test_shuffled_labels_are_ranked_like_chance(self, past):
        features, rows = past
        shuffled = rows.assign(left=np.random.default_rng(2).permutation(rows.left))
        for name, fit in (("logistic", logistic), ("boosted", boosted)):
            found = trials.tried(features, shuffled, {name: fit}, known_after=30)
            table = trials.backtest(found, [name], capacity=100)
            assert np.allclose(table.pr_auc, table.base, atol=0.06)
            assert abs(table.pr_auc.mean() - table.base.mean()) < 0.03
            assert abs(table.roc_auc.mean() - 0.5) < 0.03

    def test_a_feature_that_knows_the_future_is_exposed(self, past):
        features, rows = past
        assert trials.suspects(features, rows.left) == ()
        planted = features.assign(known=rows.left + np.random.default_rng(3).normal(size=4000) / 9)
        assert trials.suspects(planted, rows.left) == ("known",)

    def test_measures_by_hand(self):
        found = trials.measured([1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.2, 0.1], capacity=2)
        assert (found["hits"], found["precision"], found["base"]) == (1, 0.5, 0.4)
        assert found["lift"] == pytest.approx(1.25)
        assert found["pr_auc"] == pytest.approx((1 + 2 / 3) / 2)
        assert found["roc_auc"] == pytest.approx(5 / 6)
        low, high = wilson(1, 2)
        assert (found["precision_low"], found["precision_high"]) == (low, high)

    @pytest.mark.parametrize("left", [[0, 0, 0], [1, 1, 1]])
    def test_areas_are_blank_where_all_or_none_left(self, left):
        found = trials.measured(left, [0.1, 0.2, 0.3], capacity=9)
        assert np.isnan(found["pr_auc"])
        assert found["contacted"] == 3

    def test_tenths_and_gains_by_hand(self):
        chance = np.arange(1, 21) / 21
        left = [0] * 15 + [1] * 5
        table = trials.calibrated(left, chance)
        assert table.n.tolist() == [2] * 10
        assert table.left.tolist() == [0] * 7 + [1, 2, 2]
        gains = trials.gains(left, chance, points=4)
        assert gains.contacted.tolist() == [0, 0.25, 0.5, 0.75, 1]
        assert gains.found.tolist() == [0, 1, 1, 1, 1]
        assert trials.calibrated([0, 1, 1], [0.5] * 3).n.tolist() == [3]

    def test_the_readable_model_is_kept_unless_another_is_clearly_better(self):
        def table(area):
            return pd.DataFrame({"model": ["logistic", "boosted"], "pr_auc": [0.5, area]})

        assert trials.chosen(table(0.505), "logistic") == "logistic"
        assert trials.chosen(table(0.52), "logistic") == "boosted"
        assert trials.chosen(table(np.nan), "logistic") == "logistic"


class TestLogistic:
    def test_it_agrees_with_another_library(self):
        from sklearn.linear_model import LogisticRegression

        rng = np.random.default_rng(4)
        x = pd.DataFrame(rng.normal(size=(800, 3)) * [1, 5, 0.1] + 3, columns=list("abc"))
        y = (rng.random(800) < 1 / (1 + np.exp(-(x.a - 3) - (x.b - 3) / 5))).astype(int)
        ours = logistic(x, y)
        theirs = LogisticRegression(C=1e8, max_iter=9999, tol=1e-10).fit(x, y)
        np.testing.assert_allclose(ours.coefficients / ours.scale, theirs.coef_[0], rtol=1e-3)
        np.testing.assert_allclose(ours.chance(x), theirs.predict_proba(x)[:, 1], atol=1e-4)

    def test_separated_groups_are_held(self):
        x = pd.DataFrame({"a": [0.0, 1, 2, 3, 4, 5] * 5, "same": 1.0})
        found = logistic(x, (x.a > 2).astype(int))
        assert isinstance(found, Logistic)
        assert found.held
        assert np.isnan(found.errors).all()
        assert found.dropped == ("same",)
        assert (found.chance(x)[x.a > 2] > 0.5).all()

    def test_what_others_tell_is_left_out(self):
        rng = np.random.default_rng(5)
        a, b = rng.normal(size=(2, 200))
        found = logistic(pd.DataFrame({"a": a, "b": b, "sum": a + b, "twice": 2 * a}), a + b > 0.3)
        assert found.dropped == ("sum", "twice")

    @pytest.mark.parametrize("fit", [logistic, boosted])
    @pytest.mark.parametrize("left", [[1.0] * 60, [0.0] * 60, []])
    def test_nothing_to_tell_apart(self, fit, left):
        x = pd.DataFrame({"a": np.arange(len(left), dtype=float)})
        found = fit(x, left)
        assert isinstance(found, Constant)
        assert found.chance(x).tolist() == left


class TestRules:
    RULES = (
        Rule("quiet", "Quiet", "沉默", "silent", "at least", 7, 1),
        Rule("down", "Down", "下降", "active_change", "at most", -0.5, 2),
    )

    def test_they_are_measured_by_hand(self):
        rows = measures(
            snapshot(
                silent=[6, 7, 8, 9], recency=[10, 20, 30, 40],
                active_30=[1, 1, 5, 0], active_before_30=[2, 4, 5, 0],
            )
        ).assign(left=[0.0, 1, 1, 0])  # fmt: skip
        found = flags(rows, self.RULES)
        assert found.quiet.tolist() == [False, True, True, True]
        assert found.down.tolist() == [True, True, False, False]  # nothing before: not known
        table = judged(found, rows, np.full(4, 60.0), self.RULES).set_index("rule")
        quiet = table.loc["quiet"]
        assert (quiet.n, quiet.hits, quiet.left) == (3, 2, 2)
        assert (quiet.precision, quiet.recall, quiet["lift"]) == (2 / 3, 1, (2 / 3) / 0.5)
        assert quiet["lead"] == np.median([40, 30])
        assert (quiet.precision_low, quiet.precision_high) == tuple(map(float, wilson(2, 3)))

    def test_weights_are_fitted_from_those_who_left(self):
        rng = np.random.default_rng(6)
        n = 20000
        on = pd.DataFrame(rng.random((n, 2)) < 0.3, columns=["quiet", "down"])
        odds = -1 + np.log(2) * (2 * on.quiet + 1 * on.down)
        left = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
        rows = measures(snapshot(silent=[1] * n)).assign(left=left)
        table = judged(on, rows, np.full(n, 60.0), self.RULES).set_index("rule")
        assert table.fitted["quiet"] == pytest.approx(2, abs=0.15)
        assert table.fitted["down"] == pytest.approx(1, abs=0.15)

    def test_an_unknown_feature_is_named(self):
        rule = Rule("x", "x", "x", "silnt", "at least", 7, 1)
        with pytest.raises(ParameterError, match="Did you mean 'silent'"):
            flags(measures(snapshot(silent=[1])), [rule])

    def test_tables_that_do_not_do(self, tmp_path):
        path = tmp_path / "rules.csv"
        head = "rule,name_en,name_zh,feature,comparison,threshold,weight\n"
        for body, said in (
            (head + "a,A,,silent,over,7,1\n", "line 2: comparison is 'over'"),
            (head + "a,A,,silent,at least,x,1\n", "'x' or weight"),
            (head, "has no rows"),
            (head.replace("feature", "featur") + "a\n", "no column 'feature'"),
        ):
            path.write_text(body, encoding="utf-8")
            with pytest.raises(InputError, match=said):
                rules(path)
        path.write_bytes(head.encode() + "a,价格,,silent,at least,7,1\n".encode("gbk"))
        with pytest.raises(InputError, match="UTF-8"):
            rules(path)
        with pytest.raises(ParameterError, match="no table 'nowhere'"):
            rules("nowhere")


def test_a_sign_goes_before_behaviour():
    rows = snapshot(complaint=[0, 2, 1, 0], bad_review=[0, 0, 3, 0], search_discount=[0, 0, 0, 0])
    adds = pd.DataFrame(
        {"recency": [1.0, 5, 5, -1], "active_30": [0.5, 0, 0, -2], "orders": [0.2, 0, 0, -3]}
    )
    assert why(rows, adds, reasons()).tolist() == ["silent", "service", "quality", "other"]


def test_the_chance_of_another_order_by_hand():
    made = [("a", 0, 1), ("a", 10, 1), ("b", 0, 1), ("b", 20, 1), ("c", 0, 1), ("c", 0, 1)]
    counts = silences(orders(made), as_of=dt.date(2025, 2, 10), timezone="UTC").execute()
    counts = counts.sort_values("duration", ignore_index=True)
    assert counts.to_numpy().tolist() == [[10, 1, 1], [20, 2, 1], [30, 1, 0], [40, 1, 0]]
    found = conditional(counts, 10, (0, 10, 35)).set_index("silent")
    assert found.returns.tolist() == pytest.approx([1 / 5, 1 / 4])  # nobody is watched to 45
    assert found.at_risk.tolist() == [5, 4]
    assert (found.returns_low <= found.returns).all()


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firm")
    simulate(preset="small", out=folder)
    return folder


@pytest.fixture(scope="module")
def warning(firm):
    book = connect(firm / "crmkit.toml")
    return churn(
        book.orders, book.events, book.tables.get("calls"), as_of=book.last_day(),
        timezone=book.timezone, customers=book.tables["customers"],
        identities=book.tables.get("identities"), history=6,
    )  # fmt: skip


def test_a_book_is_warned_of(warning):
    assert warning.grades.customers.sum() == len(warning.scores)
    assert warning.stages.customers.sum() == len(warning.scores) + warning.never
    assert warning.scores.customer_id.is_unique
    assert warning.scores.chance.dropna().between(0, 1).all()
    assert warning.scores[warning.scores.grade == "gone"].chance.isna().all()
    with reading(language="zh"):
        for name in warning.plots():
            assert warning.plot(name).alt is not None
        assert "流失" in warning.headline
        warning.tables()
    assert len(warning.actions().frame) <= len(warning.staying)


def test_the_score_is_frozen(firm, warning):
    """Data that come later change neither chance, grade nor reason."""
    book = connect(firm / "crmkit.toml")
    day = book.last_day() - dt.timedelta(days=20)
    asked = {"as_of": day, "timezone": book.timezone, "history": 3}
    end = dt.datetime.combine(day, dt.time()) + dt.timedelta(days=1)
    whole = churn(book.orders, book.events, **asked).scores
    cut = churn(
        book.orders.filter(ibis._.ordered_at < end),
        book.events.filter(ibis._.occurred_at < end),
        **asked,
    ).scores
    pd.testing.assert_frame_equal(whole, cut)


def test_signs_point_to_the_planted_causes(firm, warning):
    """Of those who left for a cause, more show its sign than of all others."""
    people = pd.read_parquet(firm / "truth_people.parquet").set_index("customer_id")
    planted = json.loads((firm / "truth.json").read_text(encoding="utf-8"))["churn_causes"]
    names = {reason.name_zh: reason for reason in reasons()}
    scores = warning.scores.set_index("customer_id").join(people)
    found = [
        ((scores.churn_cause == cause["cause"]) & scores.left_at.notna(), names[cause["cause"]])
        for cause in planted
        if cause["cause"] in names
    ]
    assert len(found) == 3
    hits = sum(int((scores.reason[rows] == reason.reason).sum()) for rows, reason in found)
    others = sum(int((scores.reason[~rows] == reason.reason).sum()) for rows, reason in found)
    of, of_others = (sum(map(int, (m.sum() for m in rows))) for rows in
                     ([r for r, _ in found], [~r for r, _ in found]))  # fmt: skip
    assert hits / of > 1.5 * others / of_others


@pytest.mark.parametrize("by", ["activity", "rhythm"])
def test_other_definitions(firm, by):
    book = connect(firm / "crmkit.toml")
    found = churn(
        book.orders, book.events, as_of=book.last_day(), history=4,
        leaving=Leaving(by=by, days=30, longest=90),
    )  # fmt: skip
    assert found.trained > 0
    assert 0 < found.base < 1


def test_contracts_that_end():
    made = [(f"c{i}", i % 60, 5) for i in range(300)]
    ends = ibis.memtable(
        pd.DataFrame(
            {
                "customer_id": [f"c{i}" for i in range(0, 300, 3)],
                "ended_at": [DAY + dt.timedelta(days=100 + i) for i in range(100)],
            }
        )
    )
    found = churn(
        orders(made), as_of="2025-09-01", ends=ends, history=4, leaving=Leaving(by="contract")
    )
    assert found.trained > 0
    assert 0 < found.base < 1
    assert len(found.scores) == 200  # whose contract ended is no customer any more
    with pytest.raises(ParameterError, match="needs `ends`"):
        churn(orders(made), as_of="2025-09-01", leaving=Leaving(by="contract"))


class TestEdges:
    WHEN: ClassVar = {"as_of": "2025-12-31", "history": 4}

    def test_nobody(self):
        found = churn(orders([]), **self.WHEN)
        assert found.headline == "No customer is left who could leave."
        for name in found.plots():
            found.plot(name)
        found.tables()

    def test_one_customer(self):
        found = churn(orders([("a", 360, 5)]), **self.WHEN)
        assert "by the rules" in found.headline
        assert found.scores.stage.tolist() == ["tried_once"]
        for name in found.plots():
            found.plot(name)

    def test_all_left(self):
        made = [(f"c{i}", i % 150, 5) for i in range(400)] + [("z", 360, 1)]
        found = churn(orders(made), **(self.WHEN | {"history": 9}))
        assert found.base == 1
        assert found.headline == "In the past all customers left."
        for name in found.plots():
            found.plot(name)

    def test_none_left(self):
        made = [(f"c{i}", d, 5) for i in range(60) for d in range(i % 7, 364, 20)]
        found = churn(orders(made), **self.WHEN)
        assert found.base == 0
        assert found.headline.startswith("In the past no customer left")
        found.tables()

    def test_a_short_stream_is_said(self, firm):
        book = connect(firm / "crmkit.toml")
        late = book.events.filter(
            ibis._.occurred_at > dt.datetime.combine(book.last_day(), dt.time()) - dt.timedelta(30)
        )
        found = churn(book.orders, late, as_of=book.last_day(), history=4)
        assert list(found.short) == ["events"]
        assert any("too short to learn from" in words for _, words in found.definition.items)
        assert "silent" not in found.coefficients.feature.tolist()

    @pytest.mark.parametrize("wrong", [{"history": 0}, {"capacity": 0}])
    def test_what_cannot_be(self, wrong):
        with pytest.raises(ParameterError):
            churn(orders([]), **(self.WHEN | wrong))


def test_a_back_dated_flag_is_exposed():
    """An event written down after the customers left, with a date before: the report says so."""
    rng = np.random.default_rng(7)
    made, flagged = [], []
    for i in range(400):
        stays = rng.random() < 0.5
        last = 700 if stays else int(rng.integers(60, 640))
        days = np.arange(int(rng.integers(0, 30)), last, 25)
        made += [(f"c{i}", int(d), 5) for d in days]
        if not stays:
            flagged.append((f"c{i}", int(days[-1])))
    did = pd.DataFrame(
        [(f"e{i}", c, DAY + dt.timedelta(days=d), "complaint") for i, (c, d) in enumerate(flagged)]
        + [("e", "c0", DAY - dt.timedelta(days=200), "view")],
        columns=["event_id", "customer_id", "occurred_at", "event"],
    )
    found = churn(orders(made), ibis.memtable(did), as_of="2026-12-01", history=8)
    # The flag of a snapshot tells exactly who will not come back.
    assert "complaint" in found.suspects
    assert found.headline.startswith("Complaints nearly tells alone who left")


@pytest.mark.skipif(not DATA.exists(), reason="the published data are not here")
class TestPublished:
    def test_telco(self):
        frame = pd.read_csv(DATA / "Telco-Customer-Churn.csv")
        found = churn_model(frame, left="Churn", ignore=["customerID"])
        assert (found.left, found.n) == (1869, 7043)
        assert "26.54%" in found.headline
        assert 0.844 <= found.roc_auc <= 0.846
        assert not found.suspects
        assert not found.held

    def test_cdnow_is_calibrated(self):
        rows = pd.read_csv(
            DATA / "CDNOW_master.txt", sep=r"\s+", header=None, skiprows=1,
            names=["customer_id", "day", "units", "amount"], dtype={"customer_id": str, "day": str},
        )  # fmt: skip
        rows["ordered_at"] = pd.to_datetime(rows.day)
        rows = rows.assign(order_id=rows.index.astype(str), refunded=False).drop(columns="day")
        found = churn(ibis.memtable(rows), as_of="1998-06-30", leaving=Leaving(days=90), history=6)
        table = found.calibration
        ok = (table.predicted >= table.rate_low) & (table.predicted <= table.rate_high)
        assert len(table) == 10
        assert ok.sum() >= 7, table


class TestFlatTables:
    FRAME: ClassVar = pd.DataFrame(
        {"months": list(range(60)), "plan": ["a", "b", "c"] * 20, "gone": [1, 0, 0, 0] * 15}
    )

    def test_a_column_that_knows_the_future_is_named(self):
        frame = self.FRAME.assign(closed_on=self.FRAME.gone * 100)
        found = churn_model(frame, left="gone")
        assert found.suspects == ("closed_on",)
        assert "written down afterwards" in found.headline

    def test_labels_in_words_and_unknown_ones(self):
        frame = self.FRAME.assign(gone=["Yes", "no", None, "No"] * 15)
        assert (churn_model(frame, left="gone").left, churn_model(frame, left="gone").n) == (15, 45)

    def test_too_few_for_a_trial(self):
        found = churn_model(self.FRAME.head(8), left="gone")
        assert "too few on one side" in found.headline
        assert found.calibration.empty
        assert churn_model(self.FRAME.head(0), left="gone").headline.startswith("The table has no")

    def test_what_cannot_be(self):
        with pytest.raises(ParameterError, match="Did you mean 'gone'"):
            churn_model(self.FRAME, left="gon")
        with pytest.raises(ParameterError, match="holds 'a'"):
            churn_model(self.FRAME, left="plan")


def test_designs_have_no_blanks():
    rows = measures(
        snapshot(orders=[1, 5], tenure=[0, 400], recency=[0, 3], active_before_30=[0, 0])
    )
    assert design(rows, ["complaint"]).notna().all().all()

"""The lead score: what counts, what must not, the points by hand, the measures against peers."""

import importlib.util
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import crmkit as ck
from crmkit import text
from crmkit.analyses.leads.odds import area, fitted_odds, tenths
from crmkit.analyses.leads.score_rules import score_rules
from crmkit.errors import InputError, ParameterError

_spec = importlib.util.spec_from_file_location(
    "lead_rows", Path(__file__).with_name("lead_rows.py")
)
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)
lead_table, step_table = rows.lead_table, rows.step_table

WHEN = {"as_of": "2025-06-30", "days": 120, "window": 20}
HEAD = "rule,name_en,name_zh,feature,value,event,points\n"


def events(*given):
    """Events from (customer, event, at)."""
    return ibis.memtable(
        pd.DataFrame(
            {
                "visitor_id": [f"v{n}" for n in range(len(given))],
                "customer_id": [who for who, *_ in given],
                "event": [event for _, event, _ in given],
                "occurred_at": pd.to_datetime([at for *_, at in given]).astype("datetime64[us]"),
            }
        ),
        schema={"visitor_id": "string", "customer_id": "string", "event": "string",
                "occurred_at": "timestamp"},
    )  # fmt: skip


def firm(n=200, good=0.5, bad=0.1):
    """In both halves n leads of each source; of "good" that share is won, of "bad" that."""
    leads, steps = [], []
    for half, day in (("e", "2025-03-05"), ("l", "2025-05-15")):
        for source, share in (("good", good), ("bad", bad)):
            for k in range(n):
                name = f"{half}{source}{k}"
                leads.append((name, source, f"{day} 08:00", f"c{name}"))
                steps.append((name, "dispatched", f"{day} 09:00", "A1"))
                if k < n * share:
                    steps.append((name, "won", f"{day} 10:00", "A1"))
    return lead_table(*leads), step_table(*steps)


@pytest.fixture
def sheet(tmp_path):
    def written(*lines):
        path = tmp_path / "score.csv"
        path.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
        return path

    return written


def test_a_rule_by_hand(sheet):
    table = sheet("good,Good,好,source,good,,10")
    found = ck.lead_score(*firm(), table=table, **WHEN)
    (rule,) = found.rules.itertuples()
    assert (rule.n, rule.won) == (400, 200)
    assert rule.slope == pytest.approx(np.log(0.5 / 0.5) - np.log(0.1 / 0.9))
    assert rule.fair == pytest.approx(10 * np.log2(9))
    error = np.sqrt(2 / 200 + 1 / 40 + 1 / 360)
    assert rule.slope_low == pytest.approx(rule.slope - 1.959964 * error, rel=1e-5)
    assert rule.off  # ten points where 32 are fair
    assert "10 points where 31.7" in found.findings()[0].words
    trial = found.trials.set_index("method").loc["model"]
    assert (trial.n, trial.won) == (400, 120)
    # pairs of a win and a loss: 100 x 180 ranked right, 100 x 100 and 20 x 180 alike
    assert trial.area == pytest.approx((100 * 180 + (100 * 100 + 20 * 180) / 2) / (120 * 280))
    assert trial.top == pytest.approx(0.5)
    assert trial.lift == pytest.approx(0.5 / 0.3)
    assert found.tenths.rate.tolist() == pytest.approx([0.1, 0.5])
    assert found.tenths.predicted.tolist() == pytest.approx([0.1, 0.5], abs=1e-6)


def test_only_what_was_done_before_a_lead_counts(sheet):
    leads = lead_table(*((f"l{n}", "web", "2025-05-15 08:00", f"c{n}") for n in range(4)))
    steps = step_table(*((f"l{n}", "dispatched", "2025-05-15 09:00", "A1") for n in range(4)))
    did = events(
        ("c0", "cart", "2025-05-15 07:59:59"),
        ("c1", "cart", "2025-05-15 08:00:00"),  # with the lead: not before it
        ("c2", "cart", "2025-02-14 07:59:59"),  # more than 90 days before
        ("c3", "look", "2025-05-15 07:00:00"),
    )
    table = sheet("cart,Cart,,,,cart,5")
    found = ck.lead_score(leads, steps, did, table=table, **WHEN)
    assert found.rules.n.tolist() == [1]
    assert found.empty
    assert "too few wins" in found.headline
    assert set(found.chances.points) == {0, 5}


def test_nothing_that_came_later_is_learnt_from(sheet):
    """Wins of the judged half must not change the judged chances."""
    table = sheet("good,Good,,source,good,,10")
    one = ck.lead_score(*firm(good=0.5), table=table, **WHEN)
    leads, steps = firm(good=0.5)
    frame = steps.execute()
    worse = frame[~((frame.kind == "won") & frame.lead_id.str.startswith("lgood"))]
    other = ck.lead_score(leads, ibis.memtable(worse, schema=steps.schema()), table=table, **WHEN)
    assert other.tenths.predicted.tolist() == one.tenths.predicted.tolist()
    assert other.tenths.won.sum() < one.tenths.won.sum()
    assert other.trials.area.max() < 0.5
    assert "does not certainly tell" in other.headline


def test_assignments_whose_end_is_unknown_at_the_middle_are_in_neither_part():
    leads = lead_table(*((f"l{n}", "web", "2025-03-05 08:00") for n in range(3)))
    steps = step_table(
        ("l0", "dispatched", "2025-04-11 15:59", "A1"),
        ("l1", "dispatched", "2025-04-15 09:00", "A1"),
        ("l2", "dispatched", "2025-06-12 09:00", "A1"),  # not old enough
    )
    found = ck.lead_score(leads, steps, **WHEN)
    assert found.trials.empty
    assert found.chances.again.tolist() == [0]


def test_no_leads():
    found = ck.lead_score(lead_table(), step_table(), **WHEN)
    assert found.empty
    assert found.findings() == ()
    assert found.key_figures() == ()
    for name, table in found.tables().items():
        assert len(table.frame) == (9 if name == "rules" else 0)


def test_all_won_and_none_won(sheet):
    table = sheet("good,Good,,source,good,,10")
    for share in (0.0, 1.0):
        found = ck.lead_score(*firm(n=20, good=share, bad=share), table=table, **WHEN)
        assert found.rules.rate.tolist() == [share]
        assert found.rules.fair.isna().all()
        assert not found.rules.off.any()


def test_a_level_that_never_won_has_no_odds(sheet):
    table = sheet("good,Good,,source,good,,10", "never,Never,,source,bad,,-10")
    found = ck.lead_score(*firm(bad=0.0), table=table, **WHEN)
    rules = found.rules.set_index("rule")
    assert rules.fair.isna().all()  # each is the rest of the other, and nothing is finite
    assert rules.won["never"] == 0


def test_the_area_agrees_with_sklearn_and_its_interval_with_the_bootstrap():
    rng = np.random.default_rng(3)
    chance = np.repeat(np.round(rng.random(60), 1), 20)
    won = (rng.random(1200) < chance * 0.6).astype(float)
    value, low, high = area(chance, won, np.ones(1200))
    assert value == pytest.approx(roc_auc_score(won, chance), abs=1e-12)
    cells = pd.DataFrame({"c": chance, "w": won, "n": 1.0}).groupby("c", as_index=False).sum()
    grouped = area(cells.c.to_numpy(), cells.w.to_numpy(), cells.n.to_numpy())
    assert grouped == pytest.approx((value, low, high))
    draws = []
    for _ in range(400):
        rows_ = rng.integers(0, 1200, 1200)
        draws.append(area(chance[rows_], won[rows_], np.ones(1200))[0])
    assert (high - low) / 2 == pytest.approx(1.96 * np.std(draws), rel=0.12)
    assert np.isnan(area(chance, np.zeros(1200), np.ones(1200))[0])


def test_odds_agree_with_a_regression_on_rows():
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    x = rng.integers(0, 2, (800, 2)).astype(float)
    y = (rng.random(800) < 1 / (1 + np.exp(1 - x @ [0.8, -0.5]))).astype(float)
    cells = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y, "n": 1.0})
    cells = cells.groupby(["a", "b"], as_index=False).sum()
    design = cells[["a", "b"]].assign(twice=cells.a, fixed=1.0)
    found = fitted_odds(design, cells.y, cells.n)
    peer = sm.Logit(y, sm.add_constant(x)).fit(disp=0)
    assert found.terms == ("a", "b")
    assert [found.base, *found.slopes] == pytest.approx(list(peer.params), rel=1e-6)
    assert list(found.errors) == pytest.approx(list(peer.bse[1:]), rel=1e-5)
    assert fitted_odds(design, cells.y * 0, cells.n) is None


def test_tenths_keep_leads_of_one_chance_together():
    found = tenths(np.array([0.1, 0.1, 0.9]), np.array([1.0, 2, 9]), np.array([40.0, 50, 10]))
    assert found.tenth.tolist() == [5, 10]
    assert found.n.tolist() == [90, 10]
    assert found.weak.tolist() == [False, True]
    assert tenths(np.zeros(0), np.zeros(0), np.zeros(0)).empty


def test_the_table_is_checked(sheet):
    assert len(score_rules()) == 9
    for line, words in (
        ("a,A,,source,,,1", "a feature needs a value"),
        ("a,A,,colour,red,,1", "feature is 'colour'"),
        ("a,A,,again,often,,1", "Give how often"),
        ("a,A,,,,,1", "a feature or an event"),
        ("a,A,,source,web,,many", "points are 'many'"),
    ):
        with pytest.raises(InputError, match=words):
            score_rules(sheet(line))
    with pytest.raises(InputError, match="stands there twice"):
        score_rules(sheet("a,A,,source,x,,1", "a,A,,source,y,,1"))
    with pytest.raises(ParameterError, match="Give one of score"):
        score_rules("scores")
    with pytest.raises(ParameterError, match="give at least 1, and days for two"):
        ck.lead_score(lead_table(), step_table(), as_of="2025-06-30", days=30, window=20)


def test_words_charts_and_names_in_chinese(sheet):
    found = ck.lead_score(*firm(), table=sheet("good,Good,好线索,source,good,,10"), **WHEN)
    for kind in ("tenths", "rules"):
        assert found.plot(kind).alt
    assert len(found.definition.items) == 7
    with text.reading(language="zh", currency="CNY"):
        chinese = ck.lead_score(*firm(), table=sheet("good,Good,好线索,source,good,,10"), **WHEN)
        assert chinese.rules.name.tolist() == ["好线索"]
        assert "线索" in chinese.headline

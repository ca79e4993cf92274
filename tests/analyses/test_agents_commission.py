"""Whose win is whose: by hand, and every rule's credit sums to the wins."""

import datetime as dt
import importlib.util
import itertools
import random
from pathlib import Path

import ibis
import pytest

from crmkit import text
from crmkit.analyses.agents import commission
from crmkit.errors import ParameterError

_spec = importlib.util.spec_from_file_location(
    "agent_calls", Path(__file__).with_name("agent_calls.py")
)
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)
AT, CODES, call, people, table = made.AT, made.CODES, made.call, made.people, made.table

UNTIL = {"as_of": "2025-03-31", "timezone": "Asia/Shanghai"}
RULES = ("closer", "first_contact", "last_touch_before_win", "split")


def on(day, agent, code="NI", lead="l1", **more):
    return call(agent, code, AT + dt.timedelta(days=day), lead_id=lead, **more)


def credited(rows, lead_events=None, **options):
    found = commission(table(rows), CODES, lead_events, **UNTIL | options)
    frame = found.credits
    for rule in RULES:
        assert frame[rule].sum() == pytest.approx(found.wins)
    return found, {
        rule: {
            agent if isinstance(agent, str) else None: credit
            for agent, credit in zip(frame.agent_id, frame[rule], strict=True)
            if credit
        }
        for rule in RULES
    }


def test_four_rules_by_hand():
    _, credit = credited([on(0, "ann"), on(1, "ben"), on(2, "ben"), on(3, "eve", "SALE")])
    assert credit["closer"] == {"eve": 1}
    assert credit["first_contact"] == {"ann": 1}
    assert credit["last_touch_before_win"] == {"ben": 1}
    assert credit["split"] == {agent: pytest.approx(1 / 3) for agent in ("ann", "ben", "eve")}


def test_a_win_at_the_first_conversation_is_the_closers():
    _, credit = credited([on(0, "eve", "SALE")])
    assert all(given == {"eve": 1} for given in credit.values())


def test_the_win_before_begins_a_new_story():
    """Ann sold first; for Eve's later sale only what came after counts."""
    found, credit = credited(
        [on(0, "ben"), on(1, "ann", "SALE"), on(2, "dan"), on(3, "eve", "SALE")]
    )
    assert found.wins == 2
    assert credit["first_contact"] == {"ben": 1, "dan": 1}
    assert credit["last_touch_before_win"] == {"ben": 1, "dan": 1}
    assert credit["split"] == dict.fromkeys(("ben", "ann", "dan", "eve"), 0.5)


def test_only_conversations_with_the_lead_up_to_the_win_count():
    rows = [
        on(0, "ann", "AM", result="machine"),
        on(0, "bob", lead="l2"),
        on(1, None),
        on(3, "eve", "SALE"),
        on(4, "late"),
    ]
    _, credit = credited(rows)
    assert all(given == {"eve": 1} for given in credit.values())


def test_history_before_start_counts_but_wins_before_do_not():
    rows = [on(0, "ann"), on(0, "old", "SALE", lead="l2"), on(9, "eve", "SALE")]
    found, credit = credited(rows, start="2025-03-10")
    assert found.wins == 1
    assert credit["first_contact"] == {"ann": 1}


def test_wins_without_lead_or_agent_are_kept_and_said():
    rows = [
        on(0, "ann"),
        on(1, "eve", "SALE", lead=None),
        on(2, None, "SALE"),
        on(3, None, "SALE", "l9"),
    ]
    found, credit = credited(rows)
    assert (found.wins, found.unassigned, found.without_lead) == (3, 2, 1)
    assert credit["closer"] == {"eve": 1, None: 2}
    assert credit["split"] == {"eve": 1, "ann": 1, None: 1}
    listed = found.actions()
    assert listed.frame.win_id.tolist() == ["k000002", "k000003"]
    assert [str(day) for day in listed.frame.day] == ["2025-03-05", "2025-03-06"]
    assert "2 wins name no agent" in str(found.definition)
    assert "1 wins name no lead" in str(found.definition)
    assert found.table().json()["rows"][-2][0]["words"] == "(no agent)"


def test_wins_of_lead_events():
    """The agent of the event closes; calls at the same time are before it."""
    events = ibis.memtable(
        {
            "lead_id": ["l1", "l1", "l2", "l2"],
            "occurred_at": [AT + dt.timedelta(days=d) for d in (3, 0, 1, 1)],
            "kind": ["won", "contacted", "won", "won"],
            "agent_id": ["eve", "ann", None, "fay"],
        }
    )
    found, credit = credited([on(0, "ann"), on(3, "ben")], events)
    assert (found.wins, found.unassigned) == (3, 1)
    assert credit["closer"] == {"eve": 1, "fay": 1, None: 1}
    assert credit["first_contact"] == {"ann": 1, "fay": 1, None: 1}
    assert credit["split"]["ben"] == pytest.approx(1 / 3)


def brute(rows):
    """Every rule in plain Python."""
    talks = [r for r in rows if r["disposition"] != "AM" and r["agent_id"] and r["lead_id"]]
    wins = [dict(r, id=n) for n, r in enumerate(rows) if r["disposition"] == "SALE"]
    credit = {rule: {} for rule in RULES}

    def give(rule, agent, part):
        credit[rule][agent] = credit[rule].get(agent, 0) + part

    for win in wins:
        same = [w for w in wins if w["lead_id"] == win["lead_id"] and win["lead_id"]]
        before = [w for w in same if (w["agent_at"], w["id"]) < (win["agent_at"], win["id"])]
        after = max((w["agent_at"] for w in before), default=dt.datetime.min)
        led = [t for t in talks if t["lead_id"] == win["lead_id"]]
        led = [t for t in led if after < t["agent_at"] <= win["agent_at"]]
        earlier = [t for t in led if t["agent_at"] < win["agent_at"]]
        closer = win["agent_id"]
        give("closer", closer, 1)
        first = min(led, key=lambda t: t["agent_at"], default=win)
        last = max(earlier, key=lambda t: t["agent_at"], default=win)
        give("first_contact", first["agent_id"], 1)
        give("last_touch_before_win", last["agent_id"], 1)
        among = {t["agent_id"] for t in led} | ({closer} if closer else set()) or {None}
        for agent in among:
            give("split", agent, 1 / len(among))
    return credit


@pytest.mark.parametrize("seed", range(5))
def test_rules_agree_with_plain_python(seed):
    rng = random.Random(seed)
    moments = itertools.count()
    rows = [
        call(
            rng.choice(["a", "b", "c", "d", None]),
            rng.choice(["NI", "NI", "NI", "SALE", "AM"]),
            AT + dt.timedelta(minutes=next(moments)),
            talk=30,
            lead_id=rng.choice([None, *(f"l{k}" for k in range(12))]),
        )
        for _ in range(150)
    ]
    _, credit = credited(rows)
    truth = brute(rows)
    for rule in RULES:
        assert credit[rule] == {agent: pytest.approx(part) for agent, part in truth[rule].items()}


def test_no_win_and_no_dispositions():
    for codes in (CODES, None):
        found = commission(table([on(0, "ann")]), codes, **UNTIL)
        assert found.empty
        assert found.headline == "No win up to 31 Mar 2025."
        assert found.table().json()["rows"] == []
        assert found.findings() == ()
        assert len(found.actions()) == 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_shown_in_both_languages(language):
    rows = [on(0, "ann"), on(1, "ben"), on(3, "eve", "SALE"), on(4, None, "SALE", "l7")]
    with text.reading(language=language, currency="CNY"):
        for rule in RULES:
            found, _ = credited(rows, rule=rule, agents=people(ann=None, eve=AT))
            for block in (found.table(), found.plot(), found.definition, found.actions()):
                assert block.json()
            assert "{" not in found.headline
            assert len(found.findings()) == 2
    assert "王芳" not in found._repr_html_()


def test_rules_that_are_not_there_are_refused():
    with pytest.raises(ParameterError, match="Did you mean 'closer'"):
        credited([], rule="closers")
    with pytest.raises(ParameterError, match="after as_of"):
        credited([], start="2025-05-01")

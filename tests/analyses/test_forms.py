"""The form: exact rows, a plain count of random visits, the planted truth."""

import datetime as dt
import json
import random

import ibis
import pandas as pd
import pytest

from crmkit import connect
from crmkit.analyses.forms import FormEvents, forms
from crmkit.simulate import simulate

DAY = dt.datetime(2025, 3, 3)
WHEN = {"as_of": "2025-03-09", "days": 7}
FIELDS = "name", "phone", "note"


def table(rows: list) -> ibis.Table:
    """Rows of (visit, second, event, field, seconds)."""
    frame = pd.DataFrame(rows, columns=["session_id", "at", "event", "element", "value"])
    frame = frame.assign(
        event_id=[f"{i:06d}" for i in range(len(rows))],
        customer_id=frame.session_id,
        occurred_at=[DAY + dt.timedelta(seconds=s) for s in frame["at"]],
        page="/form",
        device=["tv" if s < "m" else "pc" for s in frame.session_id],
    ).drop(columns="at")
    return ibis.memtable(
        frame.astype({"element": "string", "event": "string", "session_id": "string"})
    )


SMALL = [
    ("a", 0, "checkout", None, None),  # sends it, one field blank, one filled in twice
    ("a", 4, "form_focus", "name", None), ("a", 6, "form_change", "name", 2.0),
    ("a", 9, "form_change", "name", 3.0), ("a", 20, "form_focus", "phone", None),
    ("a", 26, "form_change", "phone", 6.0), ("a", 30, "submit_order", None, None),
    ("b", 0, "checkout", None, None),  # looks into a field: no start
    ("b", 8, "form_focus", "name", None),
    ("c", 0, "checkout", None, None),  # starts, and stops at the telephone it did not fill in
    ("c", 2, "form_change", "name", 2.0), ("c", 12, "form_focus", "phone", None),
    ("z", 0, "checkout", None, None),  # never touches it
    ("y", 5, "form_change", "name", 1.0),  # never saw it
]  # fmt: skip


def test_a_form_by_hand():
    found = forms(table(SMALL), **WHEN)
    all_ = found.whole
    assert (all_.n, all_.started, all_.sent) == (4, 2, 1)
    assert all_.hesitation == 4.0  # of 4, 8 and 2 seconds
    assert all_.spent == 10.0  # of 22, 0 and 10
    fields = found.fields.set_index("name")
    assert fields.n.to_dict() == {"name": 3, "phone": 2}
    assert fields.stopped.to_dict() == {"name": 0, "phone": 1}
    assert fields.blank.to_dict() == {"name": 0, "phone": 0}
    assert fields.refilled.to_dict() == {"name": 1, "phone": 0}
    assert fields.spent.to_dict() == {"name": 2.5, "phone": 6.0}
    assert "2 never start and 1 start and leave" in found.headline
    found.plot()


def test_groups_add_up_to_all():
    groups = forms(table(SMALL), breakdown="device", **WHEN).groups.set_index("name")
    assert groups.n.to_dict() == {"*": 4, "tv": 3, "pc": 1}


def test_random_visits_agree_with_plain_python():
    rng = random.Random(1)
    rows, viewed, started, sent, last, blank = [], 0, 0, 0, dict.fromkeys(FIELDS, 0), 0
    for visit in range(400):
        name, second = f"v{visit:04d}", 0
        saw = rng.random() < 0.9
        rows += [(name, 0, "checkout", None, None)] if saw else []
        touched, changed = None, set()
        for _ in range(rng.randrange(6)):
            second += rng.randrange(1, 9)
            touched, kind = rng.choice(FIELDS), rng.choice(["form_focus", "form_change"])
            changed |= {touched} if kind == "form_change" else set()
            rows.append((name, second, kind, touched, None))
        sends = bool(changed) and rng.random() < 0.5
        rows += [(name, second + 1, "submit_order", None, None)] if sends else []
        if saw:
            viewed, started, sent = viewed + 1, started + bool(changed), sent + sends
            blank += sends and "note" not in changed
            if changed and not sends:
                last[touched] += 1
    found = forms(table(rows), **WHEN)
    assert (found.whole.n, found.whole.started, found.whole.sent) == (viewed, started, sent)
    fields = found.fields.set_index("name")
    assert fields.stopped.to_dict() == last
    assert fields.stop_rate.sum() == pytest.approx(1.0)
    assert fields.blank["note"] == blank


def test_without_a_capture_it_says_so():
    found = forms(table(SMALL), names=FormEvents(view="signup"), **WHEN)
    assert found.empty
    assert "no view of the form (signup)" in found.headline
    assert "no view" in str(found.plot())
    found.tables()


def test_the_planted_form_is_recovered(tmp_path):
    simulate(preset="small", out=tmp_path)
    book = connect(tmp_path / "crmkit.toml")
    truth = json.loads((tmp_path / "truth.json").read_text())["form"]
    found = forms(book.events, as_of=book.last_day(), timezone=book.timezone, days=200)
    all_ = found.whole
    never = (all_.n - all_.started) / (all_.n - all_.sent)
    assert never == pytest.approx(truth["share_of_leavers_who_never_start"], abs=0.04)
    fields = found.fields.set_index("name")
    inside = [
        fields[f"{what}_low"][name] <= share <= fields[f"{what}_high"][name]
        for what, shares in (
            ("stop", truth["last_field_of_those_who_start_and_leave"]),
            ("blank", truth["left_blank_by_those_who_send"]),
        )
        for name, share in shares.items()
    ]
    assert sum(inside) >= len(inside) - 1

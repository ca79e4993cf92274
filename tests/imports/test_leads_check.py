"""Leads on their way in: hand-made lists, and exactly who is let in, refused or merged."""

import datetime as dt

import pytest

from crmkit.errors import InputError, SettingsError
from crmkit.imports import import_tables
from crmkit.imports.leads.check import REASONS
from crmkit.settings import read_settings

DAY0 = dt.datetime(2025, 3, 3, 9)
COLUMNS = ("lead_id", "customer_id", "source", "created_at", "phone", "email", "chat")
TABLES = """
[tables.leads]
from = "leads.csv"
columns = {lead_id = "lead_id", customer_id = "customer_id", source = "source", \
created_at = "created_at", phone = "phone", email = "email", chat = "chat"}
[tables.lead_events]
from = "steps.csv"
columns = {lead_id = "lead_id", occurred_at = "at", kind = "kind", agent_id = "agent", note = "note"}
"""  # noqa: E501
TEL = ("138 0013 8001", "+86 138-0013-8002", "13800138003")


def day(n, seconds=0):
    return DAY0 + dt.timedelta(days=n, seconds=seconds)


def row(name, at=DAY0, phone="", email="", chat="", who="", source="web"):
    return ",".join((name, who, source, str(at), phone, email, chat))


def step(name, at, kind, agent="", note=""):
    return ",".join((name, str(at), kind, agent, note))


@pytest.fixture
def load(shop):
    def loaded(leads, steps=(), section="", more="", files=()):
        shop.file("leads.csv", "\n".join((",".join(COLUMNS), *leads, "")))
        shop.file("steps.csv", "\n".join(("lead_id,at,kind,agent,note", *steps, "")))
        for name, content in files:
            shop.file(name, content)
        section = f"[leads]\nprotection_days = 10\n{section}\n"
        return shop.load(TABLES + section + more, "Asia/Shanghai", 'country = "CN"')

    return loaded


def verdicts(shop, *columns):
    rows = shop.rows("lead_checks", "lead_id", *(columns or ("verdict",)))
    return {name: rest[0] if len(rest) == 1 else tuple(rest) for name, *rest in rows}


def test_a_lead_needs_a_number_an_address_or_a_chat(shop, load):
    report = load([row("a", phone=TEL[0]), row("b", email="B@x.cn"), row("c", chat="wx1"),
                   row("d"), row("e", phone="12345")])  # fmt: skip
    assert verdicts(shop) == {
        "a": "sound", "b": "sound", "c": "sound", "d": "unreachable", "e": "unreachable"
    }  # fmt: skip
    assert verdicts(shop, "by_phone", "by_email", "by_chat")["b"] == (False, True, False)
    leads = report.table("leads")
    assert (leads.rows, leads.kept, leads.quarantined, leads.stored) == (5, 3, 2, 3)
    assert [line for _, line, _ in shop.refused("leads")] == [5, 6]
    assert {reason for *_, reason in shop.refused("leads")} == {REASONS["unreachable"]}
    assert report.table("lead_checks").stored == 5


def test_contacts_of_the_customer_count_too(shop, load):
    customers = (
        '[tables.customers]\nfrom = "who.csv"\ncolumns = {customer_id = "id", phone = "p"}\n'
    )
    load([row("a", who="C1"), row("b", who="C2")], more=customers,
         files=[("who.csv", "id,p\nC1,13800138001\nC2,\n")])  # fmt: skip
    assert verdicts(shop) == {"a": "sound", "b": "unreachable"}


def test_a_lead_of_a_known_customer_names_the_customer(shop, load):
    customers = (
        '[tables.customers]\nfrom = "who.csv"\ncolumns = {customer_id = "id", phone = "p"}\n'
    )
    report = load(
        [row("a", phone=TEL[0]), row("b", phone=TEL[1]), row("c", who="C9", phone=TEL[2])],
        more=customers,
        files=[("who.csv", "id,p\nC1,13800138001\n")],
    )
    assert shop.rows("leads", "lead_id", "customer_id", "phone") == [
        ("a", "C1", "+8613800138001"), ("c", "C9", "+8613800138003"), ("b", None, "+8613800138002")
    ]  # fmt: skip
    assert "1 leads are of customers who were known" in " ".join(report.notes())


def test_where_no_contact_is_known_at_all_nobody_is_unreachable(shop):
    shop.file("leads.csv", "id,at\na,2025-03-03 09:00\n")
    shop.load('[tables.leads]\nfrom = "leads.csv"\ncolumns = {lead_id = "id", created_at = "at"}\n'
              "[leads]\n")  # fmt: skip
    assert verdicts(shop) == {"a": "sound"}


def test_where_contacts_are_not_mapped_a_lead_is_not_called_unreachable(shop):
    """Customers without any contact, or leads of nobody known: there is nothing to tell by."""
    shop.file("leads.csv", "id,at,who\na,2025-03-03 09:00,C1\nb,2025-03-03 09:00,\n")
    shop.file("who.csv", "id,p\nC1,\nC2,13800138002\n")
    leads = (
        '[tables.leads]\nfrom = "leads.csv"\n'
        'columns = {lead_id = "id", created_at = "at", customer_id = "who"}\n[leads]\n'
    )
    customers = '[tables.customers]\nfrom = "who.csv"\ncolumns = {customer_id = "id"%s}\n'
    shop.load(leads + customers % "")
    assert verdicts(shop) == {"a": "sound", "b": "sound"}
    shop.load(leads + customers % ', phone = "p"', more='country = "CN"')
    assert verdicts(shop) == {"a": "unreachable", "b": "sound"}


def test_days_of_lists_as_people_write_them(shop, load):
    leads = [row("a", phone=TEL[0])]
    asked = 'do_not_call = "dnc.csv"'
    for since, found in (("2025/3/4", "sound"), ("2025年3月3日", "do_not_call")):
        load(leads, section=asked, files=[("dnc.csv", f"id,since\n13800138001,{since}\n")])
        assert verdicts(shop) == {"a": found}
    with pytest.raises(InputError, match=r"do_not_call: since is 'soon', which is no day"):
        load(leads, section=asked, files=[("dnc.csv", "id,since\n13800138001,soon\n")])


def test_lists_of_whom_to_leave_alone(shop, load):
    lists = (
        ("dnc.csv", "id,since\n13800138001,\n138 0013 8002,2025-03-04\n13800138003,2025-03-03\n"),
        ("black.csv", "id\nBAD@x.cn\nC9\n"),
    )
    load(
        [row("a", phone=TEL[0]), row("b", phone=TEL[1]), row("c", phone=TEL[2]),
         row("d", phone=TEL[0], email="d@x.cn"), row("e", email="bad@X.cn"),
         row("f", who="C9", phone="13800138009"),
         row("g", dt.datetime(2025, 3, 4), phone=TEL[1])],
        section='do_not_call = "dnc.csv"\nblacklist = ["black.csv"]', files=lists,
    )  # fmt: skip
    found = verdicts(shop)
    assert {n: found[n] for n in "abcef"} == {
        "a": "do_not_call", "b": "sound", "c": "do_not_call", "e": "blacklisted",
        "f": "blacklisted",
    }  # fmt: skip
    assert found["d"] == "sound"
    assert verdicts(shop, "by_phone")["d"] is False
    assert found["g"] == "do_not_call"  # not merged into b: it must not be called now


def test_what_was_worked_stays_and_is_told(shop, load):
    report = load([row("a"), row("b")], [step("a", day(0), "dispatched", "x")])
    assert verdicts(shop, "verdict", "stored") == {
        "a": ("unreachable", True), "b": ("unreachable", False)
    }  # fmt: skip
    assert [r.rows for r in report.table("leads").remarks] == [1]
    assert "1 leads stay" in " ".join(report.notes())


@pytest.mark.parametrize(
    ("again", "merged"),
    [(day(0), True), (day(10), True), (day(10, 1), False), (day(9, 86_399), True)],
)
def test_protection_lasts_to_its_last_moment(shop, load, again, merged):
    load([row("a", phone=TEL[0]), row("b", again, phone=TEL[0])])
    assert verdicts(shop, "into_lead_id")["b"] == ("a" if merged else None)


def test_giving_a_lead_out_protects_it_anew(shop, load):
    load([row("a", phone=TEL[0]), row("b", day(15), phone=TEL[0]), row("c", day(30), phone=TEL[0])],
         [step("a", day(8), "dispatched", "x")])  # fmt: skip
    assert verdicts(shop, "into_lead_id", "agent_id") == {
        "a": (None, None), "b": ("a", "x"), "c": (None, None)
    }  # fmt: skip


@pytest.mark.parametrize("end", ["released", "lost"])
def test_a_released_or_lost_lead_is_free_at_once(shop, load, end):
    load([row("a", phone=TEL[0]), row("b", day(2), phone=TEL[0]), row("c", day(4), phone=TEL[0])],
         [step("a", day(1), "dispatched", "x"), step("a", day(3), end, "x")])  # fmt: skip
    assert verdicts(shop, "into_lead_id") == {"a": None, "b": "a", "c": None}


def test_a_lead_merged_twice_belongs_to_the_one_that_stays(shop, load):
    # a and c share no id: both are of b's person, and c never goes into b
    load([row("a", phone=TEL[0]), row("b", day(3), phone=TEL[0], email="p@x.cn"),
          row("c", day(6), email="P@x.cn"), row("d", day(12), phone=TEL[0])])  # fmt: skip
    assert verdicts(shop, "into_lead_id") == {"a": None, "b": "a", "c": "a", "d": None}
    assert [name for (name,) in shop.rows("leads", "lead_id")] == ["a", "d"]


def test_two_owners_in_one_protection_period(shop, load):
    report = load(
        [row("a", phone=TEL[0]), row("b", day(3), phone=TEL[0])],
        [step("a", day(1), "dispatched", "x"), step("b", day(4), "dispatched", "y"),
         step("b", day(5), "interacted", "y"), step("b", day(6), "won", "y", "王五"),
         step("b", day(6, 9), "lost", "y", "duplicate")],
    )  # fmt: skip
    assert verdicts(shop, "into_lead_id", "agent_id", "given_to")["b"] == ("a", "x", "y")
    assert shop.rows("lead_events", "lead_id", "kind", "agent_id") == [
        ("a", "dispatched", "x"), ("a", "interacted", "y"), ("a", "won", "y")
    ]  # fmt: skip
    steps = report.table("lead_events")
    assert (steps.kept, steps.stored) == (5, 3)
    assert [r.rows for r in steps.remarks] == [2, 2]  # moved, set aside
    assert [r.rows for r in report.table("leads").remarks] == [1]
    shown = (shop.store / "quarantine" / "lead_checks.csv").read_text()
    assert "dispatched" in shown
    assert "duplicate" not in shown


def test_a_person_is_given_out_so_often_and_no_more(shop, load):
    times = [step("a", day(n), "dispatched", "x") for n in (0, 1)]
    ended = step("a", day(2), "released", "x")
    often = "most = 2\nwithin_days = 5"
    load([row("a", phone=TEL[0]), row("b", day(5), phone=TEL[0]), row("c", day(6), phone=TEL[0])],
         [*times, ended], often)  # fmt: skip
    assert verdicts(shop) == {"a": "sound", "b": "too_often", "c": "sound"}
    assert verdicts(shop, "into_lead_id")["c"] is None


def test_a_switchboard_makes_nobody_one_person(shop, load):
    load([row(name, day(n), phone=TEL[0], who=f"C{n}") for n, name in enumerate("abc")])
    assert set(verdicts(shop).values()) == {"sound"}
    load([row(name, day(n), phone=TEL[0], who=f"C{n}") for n, name in enumerate("ab")])
    assert verdicts(shop) == {"a": "sound", "b": "merged"}


def test_a_number_that_stands_for_none_makes_nobody_one_person(shop, load):
    load([row(f"L{n:03}", day(n % 9, n), phone=TEL[0]) for n in range(101)])
    assert set(verdicts(shop).values()) == {"sound"}
    load([row(f"L{n:03}", day(n % 9, n), phone=TEL[0]) for n in range(100)])
    assert list(verdicts(shop).values()).count("merged") == 99


def test_the_order_of_rows_does_not_matter(shop, load):
    leads = [row(f"L{n:02}", day(n % 7, n), phone=TEL[n % 3]) for n in range(40)]
    steps = [step(f"L{n:02}", day(n % 9), "dispatched", f"x{n % 2}") for n in range(0, 40, 3)]
    load(leads, steps)
    first = (shop.rows("lead_checks"), shop.rows("leads"), shop.rows("lead_events"))
    load(leads[::-1], steps[::-1])
    assert (shop.rows("lead_checks"), shop.rows("leads"), shop.rows("lead_events")) == first


def test_nothing_is_checked_unless_asked(shop):
    shop.file("leads.csv", ",".join(COLUMNS) + "\n" + row("a") + "\n")
    shop.file("steps.csv", "lead_id,at,kind,agent,note\n")
    shop.load(TABLES)
    assert not (shop.store / "lead_checks.parquet").exists()
    assert len(shop.rows("leads")) == 1


def test_no_leads_at_all(shop, load):
    report = load([])
    assert shop.rows("lead_checks") == []
    assert report.table("leads").stored == 0


def test_leads_and_their_steps_are_imported_together(shop, load):
    load([row("a", phone=TEL[0])])
    report = import_tables(read_settings(shop.folder), tables=["leads"])
    assert [table.table for table in report.tables] == ["lead_events", "leads", "lead_checks"]


def test_what_is_wrong_is_told(shop, load):
    with pytest.raises(InputError, match=r"leads.blacklist: no file matches 'none.csv'"):
        load([], section='blacklist = "none.csv"')
    with pytest.raises(InputError, match=r"dnc.csv has no column 'id'. It has: number"):
        load([], section='do_not_call = "dnc.csv"', files=[("dnc.csv", "number\n1\n")])
    with pytest.raises(SettingsError, match="protection_days was given as 0"):
        shop.load(TABLES + "[leads]\nprotection_days = 0\n")
    with pytest.raises(SettingsError, match=r"no \[tables.leads\]"):
        shop.load("[leads]\n")
    with pytest.raises(SettingsError, match=r"Did you mean 'blacklist'\?"):
        shop.load(TABLES + '[leads]\nblacklst = "x"\n')

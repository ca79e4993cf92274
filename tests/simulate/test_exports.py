"""Exports read back by small parsers of their own: their totals are the log's."""

import csv
import datetime as dt
import io
import sys
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from crmkit.errors import ParameterError
from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.exports import write_exports
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Amd, Inbound

sys.path.insert(0, str(Path(__file__).parent))

ZONE = "Asia/Shanghai"
CDR = [
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp"),
    *("lastdata", "start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
    *("uniqueid", "userfield"),
]
FREESWITCH = [
    *("caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp"),
    *("answer_stamp", "end_stamp", "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid"),
    "accountcode",
]


@pytest.fixture(scope="module")
def log():
    floor = Floor(agents=8, trunks=24, days=2, amd=Amd(), inbound=Inbound(30.0, agents=2))
    return dial(floor, LeadBatch.draw(floor, 2500), engine="python")


@pytest.fixture(scope="module")
def tables(log):
    return log.tables()


@pytest.fixture(scope="module")
def folder(tables, tmp_path_factory):
    out = tmp_path_factory.mktemp("exports")
    assert len(write_exports(tables, out, timezone=ZONE)) == 8
    return out


def table(path, names=None):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")), fieldnames=names))


def epoch(local):
    at = dt.datetime.strptime(local, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(ZONE))
    return int(at.timestamp())


def seconds_of(tables, first, last, where=lambda row: True):
    """Whole seconds between two columns, by clock readings cut to the second."""
    zero = dt.datetime(1970, 1, 1)
    return sum(
        (row[last] - zero) // dt.timedelta(seconds=1)
        - (row[first] - zero) // dt.timedelta(seconds=1)
        for row in tables["calls"].to_pylist()
        if row[first] and where(row)
    )


def test_asterisk_cdr_has_every_call_and_second(folder, tables):
    found = table(folder / "asterisk" / "Master.csv", CDR)
    calls = tables["calls"].to_pylist()
    assert len(found) == len(calls)
    assert len({row["uniqueid"] for row in found}) == len(calls)
    assert sum(int(r["duration"]) for r in found) == seconds_of(tables, "started_at", "ended_at")
    assert sum(int(r["billsec"]) for r in found) == seconds_of(tables, "answered_at", "ended_at")
    assert all(epoch(r["end"]) - epoch(r["start"]) == int(r["duration"]) for r in found)
    kinds = Counter(row["disposition"] for row in found)
    assert set(kinds) <= {"ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION"}
    assert kinds["ANSWERED"] == sum(row["answered_at"] is not None for row in calls)
    results = Counter(row["result"] for row in calls)
    assert kinds["BUSY"] == results["busy"] + results["rejected"]
    assert [r["end"] for r in found] == sorted(r["end"] for r in found)


def test_asterisk_queue_log_tells_the_waits_and_talks(folder, tables, log):
    lines = [
        line.split("|")
        for line in (folder / "asterisk" / "queue_log").read_text(encoding="utf-8").splitlines()
    ]
    assert [int(line[0]) for line in lines] == sorted(int(line[0]) for line in lines)
    count = Counter(line[4] for line in lines)
    calls = tables["calls"].to_pylist()
    queued = [row for row in calls if row["queued_at"]]
    assert count["ENTERQUEUE"] == len(queued)
    assert count["CONNECT"] == sum(row["agent_id"] is not None for row in calls)
    assert count["COMPLETEAGENT"] + count["COMPLETECALLER"] == count["CONNECT"]
    assert count["ABANDON"] + count["EXITWITHTIMEOUT"] == len(queued) - count["CONNECT"]
    assert count["PAUSE"] == count["UNPAUSE"] > 0
    assert count["ADDMEMBER"] == count["REMOVEMEMBER"] >= log.floor.agents
    talk = sum(int(line[6]) for line in lines if line[4].startswith("COMPLETE"))
    assert talk == seconds_of(tables, "agent_at", "ended_at")
    hold = sum(int(line[5]) for line in lines if line[4] == "CONNECT")
    assert hold == seconds_of(tables, "queued_at", "agent_at", lambda row: row["agent_id"])


def test_vicidial_logs_add_up(folder, tables):
    calls = tables["calls"].to_pylist()
    dialled = table(folder / "vicidial" / "vicidial_log.csv")
    came = table(folder / "vicidial" / "vicidial_closer_log.csv")
    assert len(dialled) == sum(row["direction"] == "outbound" for row in calls)
    assert len(came) == sum(row["direction"] == "inbound" for row in calls) > 0
    length = sum(int(row["length_in_sec"]) for row in (*dialled, *came))
    assert length == seconds_of(tables, "started_at", "ended_at")
    assert all(epoch(row["call_date"]) == int(row["start_epoch"]) for row in (*dialled, *came))
    statuses = {r["status"]: r for r in table(folder / "vicidial" / "vicidial_statuses.csv")}
    used = Counter(row["status"] for row in (*dialled, *came))
    assert set(used) <= set(statuses)
    sales = sum(n for status, n in used.items() if statuses[status]["sale"] == "Y")
    assert sales == sum(row["disposition"] == "SALE" for row in calls) > 0
    assert statuses["DROP"]["human_answered"] == "Y"
    listed = table(folder / "vicidial" / "vicidial_list.csv")
    assert sum(int(row["called_count"]) for row in listed) == len(dialled)
    assert {row["gmt_offset_now"] for row in listed} == {"8.00"}


def test_vicidial_agent_log_unpivots_to_the_states(folder, tables):
    wide = table(folder / "vicidial" / "vicidial_agent_log.csv")
    spent = Counter()
    zero = dt.datetime(1970, 1, 1)
    second = dt.timedelta(seconds=1)
    for row in tables["agent_states"].to_pylist():
        length = (row["ended_at"] - zero) // second - (row["started_at"] - zero) // second
        spent[row["state"]] += length
    for column, states in {
        "pause_sec": ["pause"],
        "wait_sec": ["ready", "preview", "ringing"],
        "talk_sec": ["talk"],
        "dispo_sec": ["wrap"],
    }.items():
        assert sum(int(row[column]) for row in wide) == sum(spent[state] for state in states)
    calls = tables["calls"].to_pylist()
    with_call = [row for row in wide if row["uniqueid"]]
    assert len(with_call) == sum(row["agent_id"] is not None for row in calls)
    assert {row["status"] for row in with_call} == {r["disposition"] for r in calls} - {None}


def test_freeswitch_has_every_call(folder, tables):
    found = table(folder / "freeswitch" / "cdr.csv", FREESWITCH)
    calls = tables["calls"].to_pylist()
    assert len({row["uuid"] for row in found}) == len(found) == len(calls)
    assert sum(int(r["billsec"]) for r in found) == seconds_of(tables, "answered_at", "ended_at")
    causes = Counter(row["hangup_cause"] for row in found)
    results = Counter(row["result"] for row in calls)
    assert causes["USER_BUSY"] == results["busy"]
    assert causes["UNALLOCATED_NUMBER"] == results["empty_number"]
    assert sum(bool(row["bleg_uuid"]) for row in found) == sum(bool(r["agent_id"]) for r in calls)


def test_the_same_log_gives_the_same_bytes_and_other_formats_are_refused(tables, folder, tmp_path):
    again = write_exports(tables, tmp_path, timezone=ZONE, formats=("vicidial", "asterisk"))
    for path in again:
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()
    with pytest.raises(ParameterError, match="Did you mean 'asterisk'"):
        write_exports(tables, tmp_path, timezone=ZONE, formats=("asterix",))


def test_an_empty_floor_writes_headers_only(tmp_path):
    floor = Floor(agents=1, trunks=2)
    tables = dial(floor, LeadBatch.draw(floor, 0), engine="python").tables()
    write_exports(tables, tmp_path, timezone=ZONE)
    assert (tmp_path / "asterisk" / "Master.csv").read_text() == ""
    assert table(tmp_path / "vicidial" / "vicidial_log.csv") == []

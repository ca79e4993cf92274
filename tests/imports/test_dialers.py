"""Diallers' logs: round trips of simulated floors, damaged lines, and every trap of the formats."""

import gzip

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.errors import CrmkitError, InputError, SettingsError
from crmkit.imports import import_tables
from crmkit.settings import read_settings
from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.exports import write_exports
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Amd, Inbound

ZONE = "Asia/Shanghai"


def imported(folder, kind, *, zone=ZONE, **more):
    """Import the logs in a folder of that name; gives the ledger and a reader of tables."""
    extra = "".join(f"{key} = {value}\n" for key, value in more.items())
    toml = folder / f"{kind}.toml"
    toml.write_text(
        f'[book]\nname = "Floor"\ntimezone = "{zone}"\ncurrency = "CNY"\nstore = "of_{kind}"\n'
        f'[[dialers]]\nformat = "{kind}"\nfolder = "{kind}"\n{extra}',
        encoding="utf-8",
    )
    report = import_tables(read_settings(toml))

    def read(name):
        frame = pd.read_parquet(folder / f"of_{kind}" / f"{name}.parquet")
        texts = [c for c in frame if pd.api.types.is_string_dtype(frame[c])]
        return frame.assign(
            **{c: frame[c].astype(object).where(frame[c].notna(), None) for c in texts}
        )

    return report, read


def refused(folder, kind, table):
    path = folder / f"of_{kind}" / "quarantine" / f"{table}.csv"
    return pd.read_csv(path)[["line", "reason"]].to_numpy().tolist()


# Round trips

FLOORS = {
    "mixed": Floor(agents=8, trunks=24, amd=Amd(), inbound=Inbound(30.0, agents=2)),
    "preview": Floor(agents=4, trunks=8, mode="preview", seed=5),
    "power": Floor(agents=5, trunks=12, mode="power", ratio=2.5, seed=9, timezone="Europe/Berlin"),
}


@pytest.fixture(scope="module", params=FLOORS)
def made(request, tmp_path_factory):
    floor = FLOORS[request.param]
    tables = dial(floor, LeadBatch.draw(floor, 900), engine="python").tables()
    out = tmp_path_factory.mktemp(request.param)
    write_exports(tables, out, timezone=floor.timezone)
    return floor, tables, out


def seconds(frame):
    """Times to the whole second, as all these systems write them."""
    return frame.assign(
        **{name: frame[name].dt.floor("s") for name in frame if str(name).endswith("_at")}
    )


def both(tables, read, key):
    """Simulated and imported calls, side by side in the order of the simulated ids."""
    before = seconds(tables["calls"].to_pandas()).sort_values("call_id", ignore_index=True)
    after = read("calls")
    after = after.assign(number=after.call_id.map(key)).sort_values("number", ignore_index=True)
    assert len(before) == len(after)
    return before, after


def number_of(call_id):
    return int(call_id.split(".")[1])


def same(before, after, columns):
    for column in columns:
        one, other = before[column], after[column]
        wrong = ~((one == other) | (one.isna() & other.isna()))
        assert not wrong.any(), (column, before[wrong].head(3), after[wrong].head(3))


def test_vicidial_comes_back(made):
    """Lost: mode, trunk, ringing, answer and queue of dials, machine detection, recordings."""
    floor, tables, out = made
    report, read = imported(out, "vicidial", zone=floor.timezone)
    before, after = both(tables, read, number_of)
    columns = ["lead_id", "attempt_no", "list_id", "campaign_id", "direction", "started_at"]
    columns += ["agent_at", "ended_at", "wrap_end_at", "result", "raw_status", "agent_id"]
    same(before, after, [*columns, "disposition"])
    told = after.hangup_by.notna()
    same(before[told], after[told], ["hangup_by"])
    assert report.table("calls").stored == len(before)
    assert report.table("calls").quarantined == 0
    states = read("agent_states")
    assert spent(states) == {
        **spent(tables["agent_states"].to_pandas(), ready=("ready", "preview", "ringing")),
    }
    codes = read("dispositions")
    pd.testing.assert_frame_equal(codes, tables["dispositions"].to_pandas(), check_dtype=False)


def spent(states, ready=("ready",)):
    """Whole seconds by state."""
    lasted = (states.ended_at.dt.floor("s") - states.started_at.dt.floor("s")).dt.total_seconds()
    named = states.state.where(~states.state.isin(ready), "ready")
    return {k: v for k, v in lasted.groupby(named).sum().to_dict().items() if v}


def test_asterisk_comes_back(made):
    """Lost: leads, attempts, mode, wrap-up, dispositions; a result is only answered or why not."""
    floor, tables, out = made
    _, read = imported(out, "asterisk", zone=floor.timezone)
    before, after = both(tables, read, number_of)
    columns = ["campaign_id", "direction", "trunk_id", "started_at", "answered_at", "ended_at"]
    same(before, after, [*columns, "queued_at", "agent_at", "agent_id", "recording_id"])
    told = after.hangup_by.notna()
    same(before[told], after[told], ["hangup_by"])
    unanswered = before.answered_at.isna() & before.result.isin(["busy", "no_answer"])
    same(before[unanswered], after[unanswered], ["result"])
    dropped = (before.result == "dropped") & before.queued_at.notna()
    assert (after.result[dropped] == "dropped").all()
    theirs = spent(tables["agent_states"].to_pandas())
    ours = spent(read("agent_states"))
    assert ours.get("talk") == theirs.get("talk") or floor.mode == "preview"
    assert ours.get("pause") == theirs.get("pause")
    assert sum(ours.values()) == sum(theirs.values())


def test_freeswitch_comes_back(made):
    """Lost: everything but the times, the direction, the campaign and the cause."""
    floor, tables, out = made
    _, read = imported(out, "freeswitch", zone=floor.timezone, mode='"power"')
    import uuid

    space = uuid.UUID("6f1c7a52-0b53-5c5e-9d0e-3a7d4f3f1a10")
    ids = {str(uuid.uuid5(space, c)): c for c in tables["calls"]["call_id"].to_pylist()}
    before, after = both(tables, read, ids.__getitem__)
    same(before, after, ["campaign_id", "direction", "started_at", "answered_at", "ended_at"])
    causes = ["busy", "rejected", "powered_off", "suspended", "empty_number", "no_answer"]
    plain = before.answered_at.isna() & before.result.isin(causes)
    same(before[plain], after[plain], ["result"])
    assert (after["mode"] == "power").all()


# VICIdial

LOG = (
    "uniqueid,lead_id,list_id,campaign_id,call_date,start_epoch,end_epoch,length_in_sec,status,"
    "user,term_reason,called_count"
)
AGENT = (
    "user,event_time,campaign_id,pause_epoch,pause_sec,wait_epoch,wait_sec,talk_epoch,talk_sec,"
    "dispo_epoch,dispo_sec,dead_epoch,dead_sec,status,sub_status,uniqueid"
)
T = 1_741_000_000  # 2025-03-03 11:06:40 UTC


def write(folder, kind, **files):
    (folder / kind).mkdir(exist_ok=True)
    for name, lines in files.items():
        path = folder / kind / name.replace("__", ".")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_vicidial_lines_that_cannot_stand(tmp_path):
    good = f"1.1,L1,A,C,2025-03-03 19:06:40,{T},{T + 60},60,SALE,A1,AGENT,1"
    write(
        tmp_path,
        "vicidial",
        vicidial_log__csv=[
            LOG,
            good,
            good,  # delivered twice
            f"1.2,L2,A,C,2025-03-03 19:06:40,{T},{T + 30},30,NA,VDAD,NONE,1",
            f"1.2,L2,A,C,2025-03-03 19:06:40,{T},{T + 31},31,NA,VDAD,NONE,1",  # sent again, later
            f",L3,A,C,2025-03-03 19:06:40,{T},{T + 30},30,NA,VDAD,NONE,1",
            "1.4,L4,A,C,once,,,30,NA,VDAD,NONE,1",
            f"1.5,L5,A,C,2025-03-03 19:06:40,{T},{T - 60},30,NA,VDAD,NONE,1",
            "1.6,L6,A",
            "1.7,L7,A,C,2025-03-03 23:59:50,,,30,NA,VDAD,NONE,x",  # by its date and length
            f"1.8,L8,A,C,2025-03-03 19:06:40,{T},{T + 65_000},65000,CALLBK,A1,CALLER,2",
            f"1.9,L9,A,C,2025-03-03 19:06:40,{T},{T + 9},9,XYZ,VDAD,NONE,1",  # unknown status
        ],
    )
    report, read = imported(tmp_path, "vicidial")
    table = report.table("calls")
    assert (table.rows, table.duplicates, table.quarantined, table.stored) == (11, 2, 4, 5)
    assert refused(tmp_path, "vicidial", "calls") == [
        [6, "uniqueid is missing, so the row cannot be told from others"],
        [7, "call_date is not a time"],
        [8, "it ends before it begins"],
        [9, "fewer columns than the header"],
    ]
    calls = read("calls").set_index("call_id")
    assert calls.ended_at["1.2"] == pd.Timestamp(T + 31, unit="s")
    assert calls.started_at["1.7"] == pd.Timestamp("2025-03-03 15:59:50")
    assert calls.ended_at["1.7"] == pd.Timestamp("2025-03-03 16:00:20")  # over local midnight
    assert pd.isna(calls.ended_at["1.8"])  # a counter that ran over is no length
    assert calls.result.to_dict() == {
        "1.1": "human", "1.2": "no_answer", "1.7": "no_answer", "1.8": "human", "1.9": None
    }  # fmt: skip
    assert calls.attempt_no.isna()["1.7"] and calls.disposition["1.8"] == "CALLBK"
    flags = read("dispositions").set_index("code")
    assert flags.sale["SALE"] and flags.callback["CALLBK"] and not flags.sale["NA"]
    raw = pd.read_parquet(tmp_path / "of_vicidial" / "quarantine" / "calls.parquet").raw
    assert any("L6" in words for words in raw)  # nothing is lost


def test_vicidial_agents_dead_time_overflow_and_overlap(tmp_path):
    def row(user, pause, wait, talk, dispo, dead=0, unique="1.1", reason=""):
        parts = []
        for begin, lasts in (pause, wait, talk, dispo):
            parts += [str(T + begin) if lasts else "0", str(lasts)]
        return f"{user},2025-03-03 19:06:40,C,{','.join(parts)},0,{dead},SALE,{reason},{unique}"

    write(
        tmp_path,
        "vicidial",
        vicidial_agent_log__csv=[
            AGENT,
            row("A1", (0, 10), (10, 20), (30, 100), (130, 15), dead=40, reason="LUNCH"),
            row("A1", (140, 0), (140, 30), (0, 0), (0, 0)),  # while the notes of the first go on
            row("A2", (0, 10), (10, 66_000), (0, 0), (0, 0)),
            row("", (0, 10), (0, 0), (0, 0), (0, 0)),
            row("A3", (0, 0), (0, 0), (0, 0), (0, 0)),
        ],
    )
    report, read = imported(tmp_path, "vicidial", prefix='"k-"')
    states = read("agent_states")
    begin = (states.started_at - pd.Timestamp(T, unit="s")).dt.total_seconds()
    lasts = (states.ended_at - states.started_at).dt.total_seconds()
    found = list(zip(states.state, states.reason, begin, lasts, strict=True))
    assert found == [
        ("pause", "LUNCH", 0, 10),
        ("ready", None, 10, 20),
        ("talk", None, 30, 60),
        ("wrap", "dead", 90, 40),
        ("wrap", None, 130, 10),
        ("ready", None, 140, 30),
    ]
    assert states.call_id[2] == "k-1.1"
    assert [reason for _, reason in refused(tmp_path, "vicidial", "agent_states")] == [
        "a length of 65,000 seconds or more is an overflow of the dialler",
        "no agent is named",
        "event_time is not a time",
    ]
    assert report.table("agent_states").kept == 2


def test_vicidial_transfers_and_the_firms_own_flags(tmp_path):
    write(
        tmp_path,
        "vicidial",
        vicidial_closer_log__csv=[
            "uniqueid,lead_id,list_id,campaign_id,call_date,start_epoch,end_epoch,length_in_sec,"
            "status,user,term_reason,queue_seconds,xfercallid",
            f"2.1,,999,IN,2025-03-03 19:06:40,{T},{T + 90},90,OK,A1,CALLER,12,0",
            f"2.2,,999,IN,2025-03-03 19:06:40,{T},{T + 20},20,DROP,VDCL,ABANDON,20,2.1",
        ],
        vicidial_statuses__csv=[
            "status,human_answered,sale,dnc,customer_contact,not_interested,scheduled_callback,completed",
            "OK,Y,N,N,Y,N,N,Y",
        ],
    )
    _, read = imported(tmp_path, "vicidial")
    calls = read("calls").set_index("call_id")
    assert calls.parent_call_id.tolist() == [None, "2.1"]
    assert (calls.agent_at["2.1"] - calls.queued_at["2.1"]).total_seconds() == 12
    assert calls.result.tolist() == ["human", "dropped"]
    assert calls.hangup_by.tolist() == ["customer", "customer"]
    ok = read("dispositions").set_index("code").loc["OK"]
    assert ok.human_answered and ok.right_party and ok.interest and not ok.sale


# Asterisk


def cdr(unique, start, answer, end, disposition, channel="SIP/T1-0000ab", dst="", linked=""):
    cells = ["C", "4001", "13800000000", "outbound", '"x" <x>', channel, dst, "Dial", "d"]
    cells += [start, answer, end, "9", "9", disposition, "3", unique, "rec", linked]
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


def test_a_call_of_several_rows_is_one_call(tmp_path):
    day, end = "2025-03-03 ", "10:02:00"
    write(
        tmp_path,
        "asterisk",
        Master__csv=[
            cdr("9.1", day + "10:00:00", "", day + "10:00:20", "NO ANSWER", dst="SIP/201-1"),
            cdr(
                "9.1",
                day + "10:00:00",
                day + "10:00:05",
                day + "10:02:00",
                "ANSWERED",
                dst="Agent/A7",
            ),
            cdr(
                "9.2",
                day + "10:01:00",
                day + "10:01:00",
                day + "10:02:00",
                "ANSWERED",
                linked="9.1",
            ),
            cdr("9.3", "yesterday", "", day + end, "BUSY"),
            cdr("9.4", day + "10:00:00", "", day + "09:00:00", "BUSY"),
            '"C","4001"',
            cdr("9.5", day + "23:59:00", "", day + "23:59:30", "FAILED"),
        ],
    )
    report, read = imported(tmp_path, "asterisk")
    calls = read("calls").set_index("call_id")
    assert calls.index.tolist() == ["9.1", "9.2", "9.5"]
    one = calls.loc["9.1"]
    assert (one.agent_id, one.result, one.trunk_id) == ("A7", "human", "T1")
    assert one.answered_at == pd.Timestamp("2025-03-03 02:00:05")
    assert one.ended_at == pd.Timestamp("2025-03-03 02:02:00")
    assert calls.parent_call_id["9.2"] == "9.1"
    assert report.table("calls").quarantined == 3
    assert [line for line, _ in refused(tmp_path, "asterisk", "calls")] == [4, 5, 6]


def queue(*events):
    return [f"{T + second}|{'|'.join(rest)}" for second, *rest in events]


def states_of(read):
    states = read("agent_states")
    begin = (states.started_at - pd.Timestamp(T, unit="s")).dt.total_seconds()
    lasts = (states.ended_at - states.started_at).dt.total_seconds()
    lasts = [None if pd.isna(value) else value for value in lasts]
    return list(zip(states.agent_id, states.state, states.reason, begin, lasts, strict=True))


def test_a_day_in_the_queue(tmp_path):
    write(
        tmp_path,
        "asterisk",
        queue_log=[
            *queue(
                (0, "NONE", "NONE", "Agent/A1", "ADDMEMBER", ""),
                (10, "7.1", "sales", "NONE", "ENTERQUEUE", "", '"Li" <138>', "1"),
                (14, "7.1", "sales", "Agent/A1", "RINGNOANSWER", "1000"),
                (15, "7.1", "sales", "Agent/A1", "CONNECT", "5", "7.1", "2"),
                (20, "NONE", "NONE", "Agent/A1", "PAUSE", "lunch"),  # asked for while talking
                (40, "7.1", "sales", "Agent/A1", "COMPLETECALLER", "5", "25", "1"),
                (90, "NONE", "NONE", "Agent/A1", "UNPAUSE", ""),
                (95, "7.2", "sales", "NONE", "ENTERQUEUE", "", "139", "1"),
                (99, "7.2", "sales", "NONE", "ABANDON", "1", "1", "4"),
            ),
            "garbage",
            "x|7.9|sales|NONE|ENTERQUEUE|",
            f"{T + 100}|7.9|sales|NONE|DANCE|",
            *queue((120, "NONE", "NONE", "Agent/A1", "REMOVEMEMBER", "")),
        ],
    )
    report, read = imported(tmp_path, "asterisk")
    assert states_of(read) == [
        ("A1", "ready", None, 0, 15),
        ("A1", "talk", None, 15, 25),
        ("A1", "pause", "lunch", 40, 50),
        ("A1", "ready", None, 90, 30),
    ]
    calls = read("calls").set_index("call_id")
    assert calls.result.tolist() == [None, "dropped"]  # without a record nobody knows what it was
    assert calls.hangup_by.tolist() == ["customer", "customer"]
    assert calls.direction.tolist() == ["inbound", "inbound"]
    assert report.table("agent_states").quarantined == 3
    assert refused(tmp_path, "asterisk", "agent_states") == [
        [10, "the line is damaged"], [11, "epoch is not a time"], [12, "the event is not known"],
    ]  # fmt: skip


def test_a_transfer_without_an_end_is_no_talk_of_an_hour(tmp_path):
    """The agent's next call ends it at the latest; the last state of a log has no end."""
    day = "2025-03-03 19:"
    write(
        tmp_path,
        "asterisk",
        Master__csv=[
            cdr("7.1", day + "06:50", day + "06:52", "2025-03-03 20:06:50", "ANSWERED"),
            cdr("7.2", day + "09:00", day + "09:00", day + "10:00", "ANSWERED"),
        ],
        queue_log=queue(
            (10, "7.1", "sales", "NONE", "ENTERQUEUE", "", "138", "1"),
            (12, "7.1", "sales", "Agent/A1", "CONNECT", "2", "7.1", "1"),
            (142, "7.2", "sales", "NONE", "ENTERQUEUE", "", "138", "1"),
            (145, "7.2", "sales", "Agent/A1", "CONNECT", "3", "7.2", "1"),
        ),
    )
    _, read = imported(tmp_path, "asterisk")
    calls = read("calls").set_index("call_id")
    assert (calls.ended_at["7.1"] - calls.agent_at["7.1"]).total_seconds() == 133
    assert calls.hangup_by["7.1"] is None
    assert states_of(read) == [
        ("A1", "talk", None, 12, 133), ("A1", "talk", None, 145, None)
    ]  # fmt: skip


def test_a_clock_set_back_makes_no_negative_talk(tmp_path):
    write(
        tmp_path,
        "asterisk",
        queue_log=queue(
            (100, "7.1", "sales", "NONE", "ENTERQUEUE", "", "138", "1"),
            (105, "7.1", "sales", "Agent/A1", "CONNECT", "5", "7.1", "1"),
            (60, "7.1", "sales", "Agent/A1", "COMPLETEAGENT", "5", "20", "1"),
        ),
    )
    _, read = imported(tmp_path, "asterisk")
    calls = read("calls")
    assert calls.ended_at.isna().all()
    states = read("agent_states")
    assert (states.ended_at.isna() | (states.ended_at > states.started_at)).all()


# What all have in common


def test_files_may_be_compressed_and_have_other_names(tmp_path):
    (tmp_path / "vicidial").mkdir()
    lines = f"{LOG}\n1.1,L1,A,C,2025-03-03 19:06:40,{T},{T + 60},60,SALE,A1,AGENT,1\n"
    (tmp_path / "vicidial" / "dials.gz").write_bytes(gzip.compress(lines.encode()))
    report, _ = imported(tmp_path, "vicidial", files='{vicidial_log = "dials.gz"}')
    assert report.table("calls").stored == 1


def test_several_diallers_make_one_table(tmp_path):
    for kind in ("north", "south"):
        write(
            tmp_path,
            kind,
            vicidial_log__csv=[LOG, f"1.1,L1,A,C,2025-03-03 19:06:40,{T},{T + 6},6,NA,VDAD,NONE,1"],
        )
    toml = tmp_path / "crmkit.toml"
    sections = "".join(
        f'[[dialers]]\nformat = "vicidial"\nfolder = "{kind}"\nprefix = "{kind}-"\n'
        for kind in ("north", "south")
    )
    toml.write_text(f'[book]\nname="F"\ntimezone="UTC"\ncurrency="EUR"\nstore="s"\n{sections}')
    import_tables(read_settings(toml))
    ids = pd.read_parquet(tmp_path / "s" / "calls.parquet").call_id.tolist()
    assert sorted(ids) == ["north-1.1", "south-1.1"]


def test_equal_logs_give_equal_bytes(tmp_path):
    lines = [LOG] + [
        f"1.{n},L{n},A,C,2025-03-03 19:06:40,{T + n},{T + n + 60},60,SALE,A{n % 3},AGENT,1"
        for n in range(500)
    ]
    found = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "vicidial", vicidial_log__csv=lines)
        imported(tmp_path / folder, "vicidial")
        found.append((tmp_path / folder / "of_vicidial" / "calls.parquet").read_bytes())
    assert found[0] == found[1]


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        imported(tmp_path, "vicidial")
    (tmp_path / "vicidial").mkdir()
    (tmp_path / "vicidial" / "vicidial-log.csv").write_text("x")
    with pytest.raises(InputError, match=r"Did you mean 'vicidial-log\.csv'"):
        imported(tmp_path, "vicidial")
    with pytest.raises(InputError, match="has no column"):
        imported(tmp_path, "vicidial", files='{vicidial_log = "vicidial-log.csv"}')
    with pytest.raises(InputError, match="no file matches"):
        imported(tmp_path, "vicidial", files='{vicidial_log = "nothing.csv"}')
    with pytest.raises(SettingsError, match="format"):
        imported(tmp_path, "avaya")


def test_a_table_comes_from_one_place(tmp_path):
    toml = tmp_path / "crmkit.toml"
    toml.write_text(
        '[book]\nname="F"\ntimezone="UTC"\ncurrency="EUR"\n[tables.calls]\nfrom="calls.csv"\n'
        'columns={call_id="id",started_at="at"}\n[[dialers]]\nformat="freeswitch"\nfolder="."\n'
    )
    with pytest.raises(InputError, match="Leave one of them out"):
        import_tables(read_settings(toml))


def test_an_empty_log_is_no_fault(tmp_path):
    write(tmp_path, "vicidial", vicidial_log__csv=[LOG])
    (tmp_path / "vicidial" / "vicidial_agent_log.csv").write_bytes(b"")
    report, read = imported(tmp_path, "vicidial")
    assert read("calls").empty and report.table("calls").rows == 0


CELLS = st.sampled_from(["", "1.1", "x", "-5", "99999999999999", '"', "\x00", "；", "2025-03-03"])
LINES = st.lists(st.lists(CELLS, min_size=0, max_size=14).map(",".join), max_size=12)
PIPES = st.lists(st.lists(CELLS, min_size=0, max_size=8).map("|".join), max_size=12)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=LINES, pipes=PIPES)
def test_whatever_comes_the_ledger_adds_up(lines, pipes, tmp_path_factory):
    """FileRows refuses to be made where rows in are not rows kept, repeated and refused."""
    folder = tmp_path_factory.mktemp("fuzz")
    write(
        folder, "vicidial", vicidial_log__csv=[LOG, *lines], vicidial_agent_log__csv=[AGENT, *lines]
    )
    write(folder, "asterisk", Master__csv=lines, queue_log=pipes)
    write(folder, "freeswitch", cdr__csv=lines)
    for kind in ("vicidial", "asterisk", "freeswitch"):
        try:
            report, _ = imported(folder, kind)
        except CrmkitError:
            continue
        for table in report.tables:
            assert table.rows == table.kept + table.duplicates + table.quarantined


def test_a_night_of_daylight_saving_lasts_as_long_as_it_does(tmp_path):
    """By epoch, and not by the clock, which shows two o'clock twice that night."""
    begin = 1_761_435_000  # 2025-10-26 01:30 in Berlin, an hour before clocks go back
    write(
        tmp_path,
        "vicidial",
        vicidial_log__csv=[
            LOG,
            f"1.1,L1,A,C,2025-10-26 01:30:00,{begin},{begin + 7200},7200,SALE,A1,AGENT,1",
        ],
    )
    _, read = imported(tmp_path, "vicidial", zone="Europe/Berlin")
    call = read("calls").iloc[0]
    assert (call.ended_at - call.started_at).total_seconds() == 7200


def test_the_tables_of_codes_hold_canonical_results_only():
    from crmkit import places, schema

    results = schema.table("calls").column("result").values
    for name, column in (("codes.csv", "result"), ("vicidial.csv", "result")):
        frame = pd.read_csv(places.templates() / "dialers" / name, dtype=str)
        assert set(frame[column]) <= set(results)
        keys = frame.columns[:2] if name == "codes.csv" else frame.columns[:1]
        assert not frame.duplicated(list(keys)).any()

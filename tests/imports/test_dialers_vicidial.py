"""VICIdial's tables: every trap of the format, in rows written by hand."""

import importlib.util
from pathlib import Path

import pandas as pd

_spec = importlib.util.spec_from_file_location(
    "dialer_logs", Path(__file__).with_name("dialer_logs.py")
)
logs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(logs)
AGENT, LOG, T, imported, refused, write = (
    logs.AGENT,
    logs.LOG,
    logs.T,
    logs.imported,
    logs.refused,
    logs.write,
)


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
            row("A2", (0, 10), (10, 66_000), (66_010, 30), (66_040, 5), unique="1.2"),
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
        ("pause", None, 0, 10),  # the wait that ran over is left out, and nothing else
        ("talk", None, 66_010, 30),
        ("wrap", None, 66_040, 5),
    ]
    assert states.call_id[2] == "k-1.1"
    assert [reason for _, reason in refused(tmp_path, "vicidial", "agent_states")] == [
        "no agent is named",
        "event_time is not a time",
    ]
    assert report.table("agent_states").kept == 3
    overflow = "Lengths of 65,000 seconds or more, overflows of the dialler, left out: 1."
    assert f"agent_states: {overflow}" in report.notes()
    assert any("cut where that begins: 1." in note for note in report.notes())
    agents = read("agents")
    assert agents.agent_id.tolist() == ["A1", "A2"] and agents.team.isna().all()


CLOSER = (
    "closecallid,uniqueid,lead_id,list_id,campaign_id,call_date,start_epoch,end_epoch,"
    "length_in_sec,status,user,term_reason,queue_seconds,xfercallid"
)
FLAGS = (
    "status,human_answered,sale,dnc,customer_contact,not_interested,scheduled_callback,completed"
)


def test_vicidial_calls_that_are_handed_on(tmp_path):
    """A call keeps its uniqueid from part to part; each part has its own agent and its own id."""
    write(
        tmp_path,
        "vicidial",
        vicidial_log__csv=[
            LOG, f"1.1,L1,A,C,2025-03-03 19:06:40,{T},{T + 99},99,XFER,A1,AGENT,1",
        ],
        vicidial_closer_log__csv=[
            CLOSER,
            f"501,2.1,L2,999,IN,2025-03-03 19:06:40,{T},{T + 90},90,SALE,A1,CALLER,12.00,0",
            f"502,2.1,L2,999,VIP,2025-03-03 19:08:10,{T + 90},{T + 120},30,DROP,VDCL,ABANDON,30,7",
            f"503,1.1,L1,A,VIP,2025-03-03 19:07:50,{T + 70},{T + 99},29,SALE,A2,CALLER,9,8",
            f"504,,L5,999,IN,2025-03-03 19:07:50,{T + 70},{T + 99},29,TIMEOT,VDCL,,29,0",
            f"504,,L5,999,IN,2025-03-03 19:07:50,{T + 70},{T + 100},30,TIMEOT,VDCL,HOLDTIME,30,0",
        ],
        vicidial_agent_log__csv=[
            AGENT,
            f"A1,2025-03-03,C,0,0,0,0,{T + 5},60,{T + 70},8,0,0,XFER,,1.1",
            f"A2,2025-03-03,VIP,0,0,0,0,{T + 79},20,{T + 99},6,0,0,SALE,,1.1",
        ],
    )  # fmt: skip
    report, read = imported(tmp_path, "vicidial")
    calls = read("calls").set_index("call_id").sort_index()
    assert calls.parent_call_id.to_dict() == {
        "1.1": None, "1.1/503": "1.1", "2.1": None, "2.1/502": "2.1", "504": None,
    }  # fmt: skip
    assert (calls.agent_at["2.1"] - calls.queued_at["2.1"]).total_seconds() == 12
    assert calls.result.tolist() == ["human", "human", "human", "dropped", "dropped"]
    assert calls.hangup_by.tolist() == ["agent", "customer", "customer", "customer", "system"]
    notes = {call: (calls.wrap_end_at[call] - pd.Timestamp(T, unit="s")).seconds for call in
             ("1.1", "1.1/503")}  # fmt: skip
    assert notes == {"1.1": 78, "1.1/503": 105}  # each agent's own notes
    states = read("agent_states")
    assert states.groupby("agent_id").call_id.unique().map(list).to_dict() == {
        "A1": ["1.1"], "A2": ["1.1/503"],
    }  # fmt: skip
    assert report.table("calls").duplicates == 1
    kinds = read("campaigns").set_index("campaign_id").kind.to_dict()
    assert kinds == {"C": "outbound", "IN": "inbound", "VIP": "inbound"}


def test_vicidial_the_firms_own_flags_count_and_not_names(tmp_path):
    def dial(number, status):
        return f"1.{number},L1,A,C,2025-03-03 19:06:40,{T},{T + 9},9,{status},A1,AGENT,1"

    statuses = ("PROMIS", "NI", "MYBOX", "DROP", "A", "ODD", "SALE")
    write(
        tmp_path,
        "vicidial",
        vicidial_log__csv=[LOG, *(dial(n, s) for n, s in enumerate(statuses))],
        vicidial_statuses__csv=[
            f"{FLAGS},answering_machine",
            "PROMIS,Y,N,N,Y,N,N,Y,N",  # their own
            "NI,N,N,N,N,N,N,Y,N",  # a name of VICIdial's, with another meaning here
            "MYBOX,N,N,N,N,N,N,N,Y",
            "DROP,N,N,N,N,N,N,N,N",  # only the dialler writes this one
            "A,Y,N,N,Y,N,N,N,N",
            "SALE,,,,,,,,",  # without flags VICIdial's own hold
        ],
    )
    report, read = imported(tmp_path, "vicidial")
    assert read("calls").set_index("raw_status").result.to_dict() == {
        "PROMIS": "human", "NI": None, "MYBOX": "machine", "DROP": "dropped", "A": "human",
        "ODD": None, "SALE": "human",
    }  # fmt: skip
    flags = read("dispositions").set_index("code")
    assert flags.human_answered.to_dict() == {
        "A": True, "DROP": False, "MYBOX": False, "NI": False, "PROMIS": True, "SALE": True,
    }  # fmt: skip
    assert flags.interest["PROMIS"] and not flags.sale["PROMIS"] and flags.sale["SALE"]
    assert any("export the table of statuses: 2." in note for note in report.notes())


def test_vicidial_tables_of_the_database_as_they_come(tmp_path):
    """Tabs, NULL and \\N, users, campaigns, and a list with the day each lead was made."""
    write(
        tmp_path,
        "vicidial",
        vicidial_log__csv=[
            LOG.replace(",", "\t"),
            f"1.1\tL1\tA\tC\t2025-03-03 19:06:40\t{T}\tNULL\t\\N\tINCALL\tA1\tNONE\t1",
        ],
        vicidial_list__csv=[
            "lead_id,entry_date,vendor_lead_code,list_id,source_id,rank",
            "L1,2025-03-01 08:00:00,K7,A,web,3",
            "L2,never,K8,A,web,",
            ",2025-03-01 08:00:00,K9,A,web,1",
            ",2025-03-01 08:00:00,K10,A,web,1",
        ],
        vicidial_users__csv=["user,full_name,user_group", "A1,李梅,NORTH", "A9,Bo,SOUTH"],
        vicidial_campaigns__csv=[
            "campaign_id,campaign_name,dial_method,auto_dial_level",
            "C,春茶,ADAPT_TAPERED,2.5",
        ],
    )
    report, read = imported(tmp_path, "vicidial", prefix='"n-"')
    call = read("calls").iloc[0]
    assert (call.call_id, call.lead_id, call.customer_id) == ("n-1.1", "n-L1", "K7")
    assert call["mode"] == "predictive" and pd.isna(call.ended_at) and call.result is None
    lead = read("leads").iloc[0]
    assert (lead.lead_id, lead.customer_id, lead.list_id, lead.score) == ("n-L1", "K7", "A", 3)
    assert lead.created_at == pd.Timestamp("2025-03-01 00:00:00")
    table = report.table("leads")
    assert (table.rows, table.kept, table.quarantined, table.duplicates) == (4, 1, 3, 0)
    agents = read("agents").set_index("agent_id")
    assert agents["name"]["A1"] == "李梅"
    assert agents.team.to_dict() == {"A1": "NORTH", "A9": "SOUTH"}
    assert '"dial_method":"ADAPT_TAPERED"' in read("campaigns").settings[0]

"""VICIdial: the dial log, closer log, agent log, lead list and status table.

Outcomes are read from the flags of the status table; where it was not exported, from VICIdial's
own statuses (templates/dialers/vicidial.csv). The logs do not say when an outbound call was
answered, nor for how long a person waited, so neither is filled in.
"""

from crmkit.imports.dialers.logs import Log, Logs
from crmkit.imports.dialers.parts import (
    BACKWARDS,
    NO_AGENT,
    NO_ID,
    NO_MEANING,
    NO_TIME,
    OVERFLOW,
    OVERFLOWS,
    epoch,
    local,
    whole,
)
from crmkit.imports.dialers.vicidial_calls import (
    agent,
    inbound,
    make_parts,
    make_talks,
    outbound,
)
from crmkit.imports.dialers.vicidial_states import make_spans, states
from crmkit.settings import DialerSettings

__all__ = ["FILES", "LOGS", "make"]

_DIALS = Log(
    name="vicidial_log",
    columns=(
        *("uniqueid", "lead_id", "list_id", "campaign_id", "call_date", "start_epoch"),
        *("end_epoch", "length_in_sec", "status", "user", "term_reason", "called_count"),
    ),
    needed=("uniqueid", "call_date", "status"),
)
_CLOSER = Log(
    name="vicidial_closer_log",
    columns=(
        *("closecallid", "uniqueid", "lead_id", "list_id", "campaign_id", "call_date"),
        *("start_epoch", "end_epoch", "length_in_sec", "status", "user", "term_reason"),
        "queue_seconds",
    ),
    needed=("call_date", "status"),
)
_AGENTS = Log(
    name="vicidial_agent_log",
    columns=(
        *("agent_log_id", "user", "event_time", "campaign_id", "pause_epoch", "pause_sec"),
        *("wait_epoch", "wait_sec", "talk_epoch", "talk_sec", "dispo_epoch", "dispo_sec"),
        *("dead_epoch", "dead_sec", "status", "sub_status", "uniqueid", "user_group"),
    ),
    needed=("user", "event_time"),
)
_LIST = Log(
    name="vicidial_list",
    columns=("lead_id", "list_id", "entry_date", "vendor_lead_code", "source_id", "rank"),
    needed=("lead_id",),
)
_STATUSES = Log(
    name="vicidial_statuses",
    columns=(
        *("status", "human_answered", "sale", "dnc", "customer_contact", "not_interested"),
        *("scheduled_callback", "completed", "answering_machine"),
    ),
    needed=("status",),
)
_USERS = Log(name="vicidial_users", columns=("user", "full_name", "user_group"), needed=("user",))
_CAMPAIGNS = Log(
    name="vicidial_campaigns",
    columns=("campaign_id", "campaign_name", "dial_method", "auto_dial_level"),
    needed=("campaign_id",),
)
LOGS: tuple[Log, ...] = (_DIALS, _CLOSER, _AGENTS, _LIST, _STATUSES, _USERS, _CAMPAIGNS)
FILES = {
    "vicidial_log": "vicidial_log.csv*",
    "vicidial_closer_log": "vicidial_closer_log.csv*",
    "vicidial_agent_log": "vicidial_agent_log.csv*",
    "vicidial_list": "vicidial_list.csv*",
    "vicidial_statuses": "vicidial_statuses.csv*",
    "vicidial_users": "vicidial_users.csv*",
    "vicidial_campaigns": "vicidial_campaigns.csv*",
}
"""The logs, and where they are looked for."""


def make(logs: Logs, given: DialerSettings) -> dict[str, tuple[str, str]]:
    """Clean the logs and give the SQL of each canonical table with the log that feeds it."""
    _clean(logs, given.zone)
    _codes(logs)
    make_talks(logs)
    make_parts(logs)
    make_spans(logs, _AGENTS)
    calls = f"{outbound(given)} UNION ALL {inbound(given)}"
    dated = logs.con.execute("SELECT count(created_at) FROM vicidial_list").fetchall()[0][0]
    made = {
        "calls": (calls, "vicidial_log vicidial_closer_log" + ("" if dated else " vicidial_list")),
        "agent_states": (states(given), "vicidial_agent_log"),
        "dispositions": (_DISPOSITIONS, "vicidial_statuses"),
        "agents": (_agents(), "vicidial_users"),
        "campaigns": (_CALLED, "vicidial_campaigns"),
    }
    if dated:
        made["leads"] = (_leads(given), "vicidial_list")
    logs.remark(
        _STATUSES if logs.files[_STATUSES.name] else _DIALS,
        NO_MEANING,
        f"SELECT count(*) FROM ({calls}) WHERE raw_status IS NOT NULL AND result IS NULL",
    )
    return made


def _clean(logs: Logs, timezone: str) -> None:
    part = "coalesce(closecallid, uniqueid || ' ' || coalesce(start_epoch, call_date))"
    for log, own, key in (
        (_DIALS, "uniqueid", "uniqueid"),
        (_CLOSER, "coalesce(closecallid, uniqueid)", part),
    ):
        logs.drop_repeats(log)
        logs.refuse(log, f"{own} IS NULL", NO_ID, "uniqueid")
        start = f"coalesce({epoch('start_epoch')}, {local('call_date', timezone)})"
        logs.instant(log, "started_at", start)
        logs.refuse(log, "started_at IS NULL", NO_TIME, "call_date")
        logs.drop_repeats(log, key=key, latest=whole("end_epoch"))
        logs.refuse(log, f"{epoch('end_epoch')} < started_at - INTERVAL 2 SECOND", BACKWARDS)
    logs.drop_repeats(_AGENTS)
    logs.refuse(_AGENTS, '"user" IS NULL', NO_AGENT, "user")
    phases = " AND ".join(f"{epoch(f'{p}_epoch')} IS NULL" for p in _PHASES)
    logs.refuse(_AGENTS, phases, NO_TIME, "event_time")
    logs.drop_repeats(_AGENTS, key="agent_log_id")
    over = " + ".join(
        f"count(*) FILTER ({whole(f'{p}_sec')} >= {OVERFLOW})" for p in (*_PHASES, "dead")
    )
    logs.remark(_AGENTS, OVERFLOWS, f"SELECT {over} FROM vicidial_agent_log")
    for log, key in ((_LIST, "lead_id"), (_STATUSES, "status"), (_USERS, '"user"')):
        logs.drop_repeats(log, key=key)
        logs.refuse(log, f"{key} IS NULL", NO_ID, key.strip('"'))
    logs.drop_repeats(_CAMPAIGNS, key="campaign_id")
    logs.refuse(_CAMPAIGNS, "campaign_id IS NULL", NO_ID, "campaign_id")
    logs.instant(_LIST, "created_at", local("entry_date", timezone))
    if logs.con.execute("SELECT count(created_at) FROM vicidial_list").fetchall()[0][0]:
        logs.refuse(_LIST, "created_at IS NULL", NO_TIME, "entry_date")


_PHASES = ("pause", "wait", "talk", "dispo")


def _codes(logs: Logs) -> None:
    """The meaning of statuses: the firm's own flags, else VICIdial's.

    What came of a dial is told by VICIdial's meaning of the status, but where the firm's flag of a
    person answering says otherwise; only the dialler itself writes what it dropped.
    """
    yes = {
        "human_answered": "s.human_answered = 'Y'",
        "right_party": "s.customer_contact = 'Y'",
        "interest": "s.customer_contact = 'Y' AND coalesce(s.not_interested, 'N') <> 'Y'"
        " AND coalesce(s.dnc, 'N') <> 'Y'",
        "sale": "s.sale = 'Y'",
        "do_not_call": "s.dnc = 'Y'",
        "callback": "s.scheduled_callback = 'Y'",
        "completed": "s.completed = 'Y'",
    }
    own = "s.human_answered IS NOT NULL"
    flags = ", ".join(
        f"CASE WHEN {own} THEN {sql} ELSE coalesce(k.{name} = 'Y', false) END AS {name}"
        for name, sql in yes.items()
    )
    agrees = "(s.human_answered = 'Y') = (coalesce(k.human_answered, 'N') = 'Y')"
    flagged = (
        "CASE WHEN s.answering_machine = 'Y' THEN 'machine'"
        " WHEN s.human_answered = 'Y' THEN 'human' END"
    )
    logs.con.execute(
        f"CREATE TEMP TABLE codes AS SELECT coalesce(s.status, k.status) AS code, {own} AS own,"
        f" CASE WHEN NOT {own} OR k.result = 'dropped' OR (k.status IS NOT NULL AND {agrees})"
        f" THEN k.result ELSE {flagged} END AS result, {flags}"
        " FROM vicidial_statuses AS s FULL JOIN known_statuses AS k ON s.status = k.status"
        " WHERE k.status IS NOT NULL OR s.human_answered IS NOT NULL"
    )


_DISPOSITIONS = (
    "SELECT code, human_answered, right_party, interest, sale, do_not_call, callback, completed"
    " FROM codes WHERE own OR code IN (SELECT status FROM vicidial_log UNION ALL"
    " SELECT status FROM vicidial_closer_log)"
)


def _leads(given: DialerSettings) -> str:
    return (
        f"SELECT {given.named('lead_id')} AS lead_id, vendor_lead_code AS customer_id, list_id,"
        " source_id AS source, created_at, try_cast(rank AS DOUBLE) AS score, NULL AS phone,"
        " NULL AS email, NULL AS chat FROM vicidial_list WHERE created_at IS NOT NULL"
    )


def _agents() -> str:
    """The users of the system, and those who stand in its logs only, with their last group."""
    worked = " UNION ALL ".join(
        f'SELECT "user", {group}, {last} AS last FROM {log}'
        for log, group, last in (
            ("vicidial_agent_log", "user_group", "event_time"),
            ("vicidial_log", "NULL", "NULL"),
            ("vicidial_closer_log", "NULL", "NULL"),
        )
    )
    return (
        'SELECT coalesce(u."user", w."user") AS agent_id,'
        " coalesce(u.user_group, w.user_group) AS team, NULL AS hired_at, u.full_name AS name"
        f' FROM vicidial_users AS u FULL JOIN (SELECT "user", arg_max(user_group, last)'
        f' AS user_group FROM ({worked}) WHERE {agent()} IS NOT NULL GROUP BY "user") AS w'
        ' ON u."user" = w."user"'
    )


_CALLED = """
SELECT coalesce(m.campaign_id, d.campaign_id) AS campaign_id, d.kind, NULL AS started_at,
    NULL AS ended_at, CASE WHEN m.campaign_id IS NOT NULL THEN CAST(json_object('name',
        campaign_name, 'dial_method', dial_method, 'auto_dial_level', auto_dial_level) AS VARCHAR)
    END AS settings
FROM vicidial_campaigns AS m FULL JOIN (
    SELECT campaign_id, min(kind) AS kind FROM (
        SELECT campaign_id, 'outbound' AS kind FROM vicidial_log
        UNION ALL SELECT campaign_id, 'inbound' FROM vicidial_closer_log
    ) WHERE campaign_id IS NOT NULL GROUP BY campaign_id
) AS d ON m.campaign_id = d.campaign_id"""

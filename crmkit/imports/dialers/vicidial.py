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
    NO_TIME,
    OVERFLOW,
    OVERFLOWS,
    epoch,
    local,
    whole,
)
from crmkit.imports.readers import literal
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
        *("uniqueid", "lead_id", "list_id", "campaign_id", "call_date", "start_epoch"),
        *("end_epoch", "length_in_sec", "status", "user", "term_reason", "queue_seconds"),
        "xfercallid",
    ),
    needed=("uniqueid", "call_date", "status"),
)
_AGENTS = Log(
    name="vicidial_agent_log",
    columns=(
        *("user", "event_time", "campaign_id", "pause_epoch", "pause_sec", "wait_epoch"),
        *("wait_sec", "talk_epoch", "talk_sec", "dispo_epoch", "dispo_sec", "dead_epoch"),
        *("dead_sec", "status", "sub_status", "uniqueid"),
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
        *("scheduled_callback", "completed"),
    ),
    needed=("status",),
)
LOGS: tuple[Log, ...] = (_DIALS, _CLOSER, _AGENTS, _LIST, _STATUSES)
FILES = {
    "vicidial_log": "vicidial_log.csv*",
    "vicidial_closer_log": "vicidial_closer_log.csv*",
    "vicidial_agent_log": "vicidial_agent_log.csv*",
    "vicidial_list": "vicidial_list.csv*",
    "vicidial_statuses": "vicidial_statuses.csv*",
}
"""The logs, and where they are looked for."""

_NOBODY = ("VDAD", "VDCL", "VICI", "")


def make(logs: Logs, given: DialerSettings) -> dict[str, tuple[str, str]]:
    """Clean the logs and give the SQL of each canonical table with the log that feeds it."""
    _clean(logs, given.zone)
    _codes(logs)
    _talks(logs)
    calls = f"{_outbound(given)} UNION ALL {_inbound(given)}"
    made = {
        "calls": (calls, "vicidial_log vicidial_closer_log"),
        "agent_states": (_states(given), "vicidial_agent_log"),
        "dispositions": (_DISPOSITIONS, "vicidial_statuses"),
    }
    if logs.con.execute("SELECT count(created_at) FROM vicidial_list").fetchall()[0][0]:
        made["leads"] = (_LEADS, "vicidial_list")
    return made


def _clean(logs: Logs, timezone: str) -> None:
    for log in (_DIALS, _CLOSER):
        logs.drop_repeats(log)
        logs.refuse(log, "uniqueid IS NULL", NO_ID, "uniqueid")
        start = f"coalesce({epoch('start_epoch')}, {local('call_date', timezone)})"
        logs.instant(log, "started_at", start)
        logs.refuse(log, "started_at IS NULL", NO_TIME, "call_date")
        logs.drop_repeats(log, key="uniqueid", latest=whole("end_epoch"))
        logs.refuse(log, f"{epoch('end_epoch')} < started_at - INTERVAL 2 SECOND", BACKWARDS)
    logs.drop_repeats(_AGENTS)
    logs.refuse(_AGENTS, '"user" IS NULL', NO_AGENT, "user")
    phases = " AND ".join(f"{epoch(f'{p}_epoch')} IS NULL" for p in _PHASES)
    logs.refuse(_AGENTS, phases, NO_TIME, "event_time")
    over = " OR ".join(f"{whole(f'{p}_sec')} >= {OVERFLOW}" for p in (*_PHASES, "dead"))
    logs.refuse(_AGENTS, over, OVERFLOWS)
    logs.drop_repeats(_LIST, key="lead_id")
    logs.instant(_LIST, "created_at", local("entry_date", timezone))
    logs.refuse(_LIST, "lead_id IS NULL", NO_ID, "lead_id")
    logs.drop_repeats(_STATUSES, key="status")
    logs.refuse(_STATUSES, "status IS NULL", NO_ID, "status")


_PHASES = ("pause", "wait", "talk", "dispo")


def _ended() -> str:
    """When a call ended: as logged, else by its length; unknown where that is an overflow."""
    length = whole("length_in_sec")
    reckoned = (
        f"CASE WHEN {length} BETWEEN 0 AND {OVERFLOW - 1}"
        f" THEN started_at + to_seconds({length}) END"
    )
    logged = f"CASE WHEN coalesce({length}, 0) < {OVERFLOW} THEN {epoch('end_epoch')} END"
    ended = f"coalesce({logged}, {reckoned})"
    return f"CASE WHEN {ended} IS NOT NULL THEN greatest({ended}, started_at) END"


def _codes(logs: Logs) -> None:
    """The meaning of statuses: the firm's own flags, else VICIdial's."""
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
    flags = ", ".join(
        f"CASE WHEN s.status IS NOT NULL THEN coalesce({sql}, false)"
        f" ELSE coalesce(k.{name} = 'Y', false) END AS {name}"
        for name, sql in yes.items()
    )
    logs.con.execute(
        "CREATE TEMP TABLE codes AS SELECT coalesce(s.status, k.status) AS code, s.status IS NOT"
        f" NULL AS own, k.result, {flags} FROM vicidial_statuses AS s"
        " FULL JOIN known_statuses AS k ON s.status = k.status"
    )


def _talks(logs: Logs) -> None:
    """When an agent took each call and had finished its notes, from the agent log."""
    logs.con.execute(
        f"CREATE TEMP TABLE talks AS SELECT uniqueid, min({epoch('talk_epoch')}) AS taken,"
        f" max({epoch('dispo_epoch')} + to_seconds(coalesce({whole('dispo_sec')}, 0))) AS noted"
        f" FROM vicidial_agent_log WHERE uniqueid IS NOT NULL GROUP BY uniqueid"
    )


def _agent(prefix: str = "") -> str:
    nobody = ", ".join(literal(name) for name in _NOBODY)
    return f'CASE WHEN coalesce({prefix}"user", \'\') NOT IN ({nobody}) THEN {prefix}"user" END'


_HANGUP = (
    "CASE term_reason WHEN 'CALLER' THEN 'customer' WHEN 'ABANDON' THEN 'customer'"
    " WHEN 'AGENT' THEN 'agent' WHEN 'NONE' THEN NULL ELSE 'system' END"
)
_RESULT = (
    "coalesce(c.result, CASE WHEN c.human_answered THEN 'human' END,"
    " CASE WHEN agent_id IS NOT NULL THEN 'human' END)"
)


def _outbound(given: DialerSettings) -> str:
    mode = literal(given.mode) if given.mode else "NULL"
    return (
        f"SELECT {given.named('uniqueid')} AS call_id, NULL AS parent_call_id, lead_id,"
        f" NULL AS customer_id, CASE WHEN {whole('called_count')} > 0 THEN {whole('called_count')}"
        f" END AS attempt_no, list_id, campaign_id, 'outbound' AS direction, {mode} AS mode,"
        " NULL AS trunk_id, started_at, NULL AS ringing_at, NULL AS answered_at,"
        " NULL AS queued_at, CASE WHEN agent_id IS NOT NULL THEN taken END AS agent_at, ended_at,"
        " CASE WHEN agent_id IS NOT NULL THEN noted END AS wrap_end_at,"
        f" {_RESULT} AS result, status AS raw_status, NULL AS amd_result, {_HANGUP} AS hangup_by,"
        " agent_id, CASE WHEN agent_id IS NOT NULL THEN status END AS disposition,"
        f" NULL AS recording_id FROM ({_timed('vicidial_log')}) AS d"
        " LEFT JOIN talks USING (uniqueid) LEFT JOIN codes AS c ON d.status = c.code"
    )


def _inbound(given: DialerSettings) -> str:
    waited = whole("queue_seconds")
    taken = f"CASE WHEN agent_id IS NOT NULL THEN started_at + to_seconds({waited}) END"
    parent = "CASE WHEN xfercallid NOT IN ('0', '') THEN xfercallid END"
    return (
        f"SELECT {given.named('uniqueid')}, {given.named(parent)}, lead_id, NULL, NULL,"
        " CASE WHEN list_id <> '999' THEN list_id END, campaign_id, 'inbound', NULL, NULL,"
        " started_at, NULL, started_at, CASE WHEN status <> 'BLK' THEN started_at END,"
        f" coalesce({taken}, CASE WHEN agent_id IS NOT NULL THEN taken END), ended_at,"
        " CASE WHEN agent_id IS NOT NULL THEN noted END,"
        f" {_RESULT}, status, NULL, {_HANGUP}, agent_id,"
        " CASE WHEN agent_id IS NOT NULL THEN status END, NULL"
        f" FROM ({_timed('vicidial_closer_log')}) AS d"
        " LEFT JOIN talks USING (uniqueid) LEFT JOIN codes AS c ON d.status = c.code"
    )


def _timed(log: str) -> str:
    return f"SELECT *, {_ended()} AS ended_at, {_agent()} AS agent_id FROM {log}"


def _states(given: DialerSettings) -> str:
    """The wide row of an agent as states; time on a dead line is wrap, and not talk.

    Where states overlap, the earlier one ends where the later one begins.
    """
    dead = f"coalesce({whole('dead_sec')}, 0)"
    pieces = " UNION ALL ".join(
        f'SELECT "user" AS agent_id, {literal(state)} AS state, {reason} AS reason,'
        f" {begins} AS started_at, {begins} + to_seconds({lasts}) AS ended_at, {call} AS call_id,"
        " campaign_id FROM vicidial_agent_log"
        for state, reason, begins, lasts, call in (
            ("pause", "sub_status", epoch("pause_epoch"), whole("pause_sec"), "NULL"),
            ("ready", "NULL", epoch("wait_epoch"), whole("wait_sec"), "NULL"),
            (
                *("talk", "NULL", epoch("talk_epoch")),
                *(f"greatest({whole('talk_sec')} - {dead}, 0)", "uniqueid"),
            ),
            (
                *("wrap", "'dead'"),
                f"{epoch('talk_epoch')} + to_seconds(greatest({whole('talk_sec')} - {dead}, 0))",
                *(f"least({dead}, {whole('talk_sec')})", "uniqueid"),
            ),
            ("wrap", "NULL", epoch("dispo_epoch"), whole("dispo_sec"), "uniqueid"),
        )
    )
    return (
        f"SELECT agent_id, state, reason, started_at, least(ended_at, next_at) AS ended_at,"
        f" {given.named('call_id')} AS call_id, campaign_id FROM (SELECT *,"
        " lead(started_at) OVER (PARTITION BY agent_id ORDER BY started_at, ended_at) AS next_at"
        " FROM (SELECT DISTINCT ON (agent_id, started_at) * FROM"
        f" ({pieces}) WHERE ended_at > started_at ORDER BY agent_id, started_at, ended_at DESC,"
        " state)) WHERE next_at IS NULL OR next_at > started_at"
    )


_DISPOSITIONS = (
    "SELECT code, human_answered, right_party, interest, sale, do_not_call, callback, completed"
    " FROM codes WHERE own OR code IN (SELECT status FROM vicidial_log UNION ALL"
    " SELECT status FROM vicidial_closer_log)"
)


_LEADS = (
    "SELECT lead_id, vendor_lead_code AS customer_id, list_id, source_id AS source, created_at,"
    " try_cast(rank AS DOUBLE) AS score FROM vicidial_list WHERE created_at IS NOT NULL"
)

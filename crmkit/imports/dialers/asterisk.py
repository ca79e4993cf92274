"""Asterisk: the call detail record (CSV) and the queue log.

The record says that a call was answered, not by whom: answered is read as `human`, machines with
it. Only the queue log knows agents, and neither knows wrap-up or leads.
"""

from crmkit.imports.dialers.logs import Log, Logs
from crmkit.imports.dialers.parts import (
    BACKWARDS,
    DAMAGED,
    NO_ID,
    NO_TIME,
    OPEN,
    SET_BACK,
    UNKNOWN_EVENT,
    epoch,
    local,
    results,
    whole,
)
from crmkit.imports.readers import literal
from crmkit.settings import DialerSettings

__all__ = ["FILES", "LOGS", "make"]

_CDR = Log(
    name="cdr",
    columns=(
        *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp"),
        *("lastdata", "start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
        *("uniqueid", "userfield", "linkedid", "calldate", "recordingfile"),
    ),
    needed=("disposition", "uniqueid"),
    headed=False,
)
_QUEUE = Log(name="queue_log", columns=("line",), needed=("line",), headed=False, lines=True)
LOGS: tuple[Log, ...] = (_CDR, _QUEUE)
FILES = {"cdr": "Master.csv*", "queue_log": "queue_log*"}
"""The logs, and where they are looked for."""

_TIMES = {"started_at": "start", "answered_at": "answer", "ended_at": "end"}
_ENDS = ("COMPLETEAGENT", "COMPLETECALLER", "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER")
_LEAVES = ("ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY")
_LOGINS = ("ADDMEMBER", "AGENTLOGIN", "AGENTCALLBACKLOGIN")
_LOGOUTS = ("REMOVEMEMBER", "AGENTLOGOFF", "AGENTCALLBACKLOGOFF")
_PAUSES, _UNPAUSES = ("PAUSE", "PAUSEALL"), ("UNPAUSE", "UNPAUSEALL")
_IGNORED = (
    *("RINGNOANSWER", "RINGCANCELED", "CONFIGRELOAD", "QUEUESTART", "DID", "SYSCOMPAT"),
    *("AGENTDUMP", "ADDMEMBERALL", "PENALTY", "MEMBERSTATUS", "INFO"),
)


def _among(names: tuple[str, ...]) -> str:
    return "(" + ", ".join(literal(name) for name in names) + ")"


def make(logs: Logs, given: DialerSettings) -> dict[str, tuple[str, str]]:
    """Clean the logs and give the SQL of each canonical table with the log that feeds it."""
    _clean_records(logs, given.zone)
    _clean_events(logs)
    logs.con.execute(f"CREATE TEMP TABLE queued AS {_QUEUED}")
    logs.con.execute(f"CREATE TEMP TABLE legs AS {_legs(given)}")
    logs.remark(_QUEUE, OPEN, "SELECT count(*) FROM queued WHERE agent_at IS NOT NULL AND open")
    return {
        "calls": (_calls(given), "cdr"),
        "agent_states": (_states(given), "queue_log"),
        "agents": (_AGENTS, ""),
        "campaigns": (_QUEUES, ""),
    }


def _clean_records(logs: Logs, zone: str) -> None:
    logs.drop_repeats(_CDR)
    logs.refuse(_CDR, "uniqueid IS NULL", NO_ID, "uniqueid")
    # The table of a database tells when a call came and how long it lasted and was talked.
    logs.instant(_CDR, "started_at", f"coalesce({local('start', zone)}, {local('calldate', zone)})")
    logs.instant(
        _CDR,
        "ended_at",
        f"coalesce({local('end', zone)}, started_at + to_seconds({whole('duration')}))",
    )
    logs.instant(
        _CDR,
        "answered_at",
        f"coalesce({local('answer', zone)}, CASE WHEN calldate IS NOT NULL AND disposition ="
        f" 'ANSWERED' THEN ended_at - to_seconds({whole('billsec')}) END)",
    )
    logs.refuse(_CDR, "started_at IS NULL", NO_TIME, "start")
    logs.mend_hour(_CDR)
    logs.refuse(_CDR, "ended_at < started_at", BACKWARDS)


def _clean_events(logs: Logs) -> None:
    """The events of the queue log with their parts; what is no event goes to quarantine."""
    logs.drop_repeats(_QUEUE)
    for n, name in enumerate(("epoch", "callid", "queue", "agent", "event"), start=1):
        logs.con.execute(f"ALTER TABLE queue_log ADD COLUMN {name} VARCHAR")
        logs.con.execute(f"UPDATE queue_log SET {name} = split_part(line, '|', {n})")
    logs.refuse(_QUEUE, "len(string_split(line, '|')) < 5", DAMAGED)
    logs.refuse(_QUEUE, f"{epoch('epoch')} IS NULL", NO_TIME, "epoch")
    names = (*_ENDS, *_LEAVES, *_LOGINS, *_LOGOUTS, *_PAUSES, *_UNPAUSES, *_IGNORED)
    known = _among(("ENTERQUEUE", "CONNECT", *names))
    logs.refuse(_QUEUE, f"event NOT IN {known}", UNKNOWN_EVENT)
    logs.remark(
        _QUEUE,
        SET_BACK,
        f"SELECT count(*) FROM (SELECT {_AT} AS moment, lag({_AT}) OVER (PARTITION BY _file"
        " ORDER BY _row) AS before FROM queue_log) WHERE moment < before - INTERVAL 1 SECOND",
    )


_AT = epoch("epoch")
# Agent/A7, SIP/201, Local/201@from-queue/n
_AGENT = "regexp_replace(regexp_replace(agent, '^[^/]*/', ''), '(@.*|/n)$', '')"
_LEFT = _among((*_ENDS, *_LEAVES))

# A call that comes back into a queue has several entries, and each is a part with its own agent. An
# end before the beginning is a clock set back: unknown.
_QUEUED = f"""
SELECT *, CASE WHEN part > 1 THEN callid || '/' || part ELSE callid END AS uniqueid,
    ended_at IS NULL AND left_by IS NULL AS open,
    lead(agent_at) OVER (PARTITION BY agent_id ORDER BY agent_at, callid, part) AS next_at,
    lead(coalesce(queued_at, agent_at)) OVER (PARTITION BY callid ORDER BY part) AS back_at
FROM (
    SELECT * REPLACE (CASE WHEN ended_at >= coalesce(agent_at, queued_at) THEN ended_at END
        AS ended_at)
    FROM (
        SELECT callid, part, any_value(queue) FILTER (event IN ('ENTERQUEUE', 'CONNECT')) AS queue,
            min(moment) FILTER (event = 'ENTERQUEUE') AS queued_at,
            min(moment) FILTER (event = 'CONNECT') AS agent_at,
            arg_min({_AGENT}, (moment, _file, _row)) FILTER (event = 'CONNECT') AS agent_id,
            arg_max(event, (moment, _file, _row)) FILTER (event IN {_LEFT}) AS left_by,
            max(moment) FILTER (event IN {_LEFT}) AS ended_at
        FROM (
            SELECT *, greatest(1, count(*) FILTER (event = 'ENTERQUEUE') OVER (PARTITION BY callid
                ORDER BY moment, _file, _row ROWS UNBOUNDED PRECEDING)) AS part
            FROM (SELECT *, {_AT} AS moment FROM queue_log)
            WHERE callid <> 'NONE' AND callid <> ''
        ) GROUP BY callid, part
    ) WHERE queued_at IS NOT NULL OR agent_at IS NOT NULL
)"""

_AGENTS = f"""
SELECT DISTINCT {_AGENT} AS agent_id, NULL AS team, NULL AS hired_at, NULL AS name FROM queue_log
WHERE agent <> 'NONE' AND agent <> '' AND event NOT IN {_among(_IGNORED)}"""
_QUEUES = """
SELECT DISTINCT campaign_id, NULL AS kind, NULL AS started_at, NULL AS ended_at, NULL AS settings
FROM (SELECT queue AS campaign_id FROM queued UNION SELECT accountcode FROM cdr)
WHERE campaign_id IS NOT NULL"""

_HANGUP = (
    "CASE left_by WHEN 'COMPLETECALLER' THEN 'customer' WHEN 'ABANDON' THEN 'customer'"
    " WHEN 'COMPLETEAGENT' THEN 'agent' WHEN 'EXITWITHTIMEOUT' THEN 'system'"
    " WHEN 'EXITEMPTY' THEN 'system' END"
)


def _legs(given: DialerSettings) -> str:
    """The rows of each uniqueid as one: the earliest answer, the latest end."""
    incoming = _among(given.incoming)

    def of_leg(name: str) -> str:
        """What the leg says that answered last, or else ended last."""
        return f"arg_max({name}, (disposition = 'ANSWERED', ended_at, _file, _row)) AS {name}"

    return (
        "SELECT uniqueid, min(linkedid) AS linkedid, min(accountcode) AS accountcode,"
        " min(started_at) AS started_at, min(answered_at) FILTER (disposition = 'ANSWERED') AS"
        f" answered_at, max(ended_at) AS ended_at, bool_or(dcontext IN {incoming}) AS comes_in,"
        f" {of_leg('channel')}, {of_leg('dstchannel')}, {of_leg('disposition')},"
        " coalesce(max(recordingfile), max(userfield)) AS recording"
        " FROM cdr GROUP BY uniqueid"
    )


def _calls(given: DialerSettings) -> str:
    """One row a uniqueid, whatever the number of its legs; other ids of a linkedid are its parts.

    So is each further entry into a queue. An agent's talk without an end event ends, at the latest,
    when the call comes back into a queue or that agent takes the next one.
    """
    waited = "q.queued_at IS NOT NULL AND q.agent_at IS NULL"
    status = "coalesce(c.disposition, p.disposition)"
    result = f"CASE WHEN {waited} THEN 'dropped' ELSE {results('asterisk', status)} END"
    line_end = "CASE WHEN q.agent_at > c.ended_at THEN NULL ELSE c.ended_at END"
    ended = f"coalesce(q.ended_at, least(q.next_at, q.back_at, {line_end}))"
    trunk = "nullif(regexp_extract(c.channel, '^[A-Za-z0-9]+/(.+)-[0-9a-f]+$', 1), '')"
    dialled = "CASE WHEN c.dstchannel LIKE 'Agent/%' THEN substr(c.dstchannel, 7) END"
    parent = "CASE WHEN q.part > 1 THEN q.callid WHEN c.linkedid <> uniqueid THEN c.linkedid END"
    inbound = "coalesce(c.comes_in, p.comes_in, true)"
    logs_of = (
        "legs AS c FULL JOIN queued AS q USING (uniqueid)"
        " LEFT JOIN legs AS p ON q.part > 1 AND q.callid = p.uniqueid"
    )
    return (
        f"SELECT {given.named('uniqueid')} AS call_id, {given.named(parent)} AS parent_call_id,"
        " NULL AS lead_id, NULL AS customer_id, NULL AS attempt_no, NULL AS list_id,"
        " coalesce(q.queue, c.accountcode) AS campaign_id,"
        f" CASE WHEN {inbound} THEN 'inbound' ELSE 'outbound' END AS direction,"
        f" {literal(given.mode) if given.mode else 'NULL'} AS mode, {trunk} AS trunk_id,"
        " coalesce(c.started_at, q.queued_at, q.agent_at) AS started_at, NULL AS ringing_at,"
        " c.answered_at, q.queued_at, q.agent_at,"
        f" {ended} AS ended_at, NULL AS wrap_end_at, {result} AS result,"
        f" {status} AS raw_status, NULL AS amd_result, " + _HANGUP + " AS hangup_by,"
        f" coalesce(q.agent_id, {dialled}) AS agent_id, NULL AS disposition,"
        f" c.recording AS recording_id FROM {logs_of}"
    )


def _states(given: DialerSettings) -> str:
    """Agents' states from what the queue log tells: logins, pauses and talks.

    Each event holds until the next of its kind; a talk covers a pause. An agent who appears without
    a login was logged in before the log began. The last state has no end. A talk without an end
    event ends with its line, or with what the agent does next; its reason is `no end`.
    """
    talk = (
        f"CASE WHEN event = 'CONNECT' THEN callid WHEN event IN {_among(_ENDS)}"
        f" OR event IN {_among(_LOGOUTS)} THEN '' END"
    )
    pause = (
        f"CASE WHEN event IN {_among(_PAUSES)} THEN 1 WHEN event IN"
        f" {_among((*_UNPAUSES, *_LOGINS, *_LOGOUTS))} THEN 0 END"
    )
    reason = f"CASE WHEN event IN {_among(_PAUSES)} THEN split_part(line, '|', 6) END"
    login = (
        f"CASE WHEN event IN {_among(_LOGOUTS)} THEN 0 WHEN event IN"
        f" {_among((*_LOGINS, 'CONNECT', *_PAUSES, *_UNPAUSES, *_ENDS))} THEN 1 END"
    )
    over = "(PARTITION BY agent_id ORDER BY moment, rank, _file, _row)"

    def held(sql: str) -> str:
        return f"last_value({sql} IGNORE NULLS) OVER {over}"

    # Within a second a call ends before the next begins, but not before it began itself.
    began = f"max({_AT}) FILTER (event = 'CONNECT') OVER (PARTITION BY callid) = {_AT}"
    rank = (
        f"CASE WHEN event IN {_among(_LOGINS)} THEN 0 WHEN event IN {_among(_ENDS)}"
        f" THEN CASE WHEN {began} THEN 3 ELSE 1 END"
        f" WHEN event IN {_among(_LOGOUTS)} THEN 4 ELSE 2 END"
    )
    events = (
        f"SELECT *, {rank} AS rank FROM (SELECT *, {_AGENT} AS agent_id, {_AT} AS moment"
        f" FROM queue_log WHERE agent <> 'NONE' AND agent <> '' AND event NOT IN"
        f" {_among(_IGNORED)} UNION ALL BY NAME SELECT callid, q.agent_id, c.ended_at AS moment,"
        " 'COMPLETEAGENT' AS event, '' AS line FROM queued AS q JOIN legs AS c USING (uniqueid)"
        " WHERE q.open AND c.ended_at > q.agent_at AND NOT coalesce(q.next_at <= c.ended_at,"
        " false))"
    )
    moments = (
        f"SELECT agent_id, moment, rank, _file, _row, queue, coalesce({held(talk)}, '') AS talking,"
        f" coalesce({held(pause)}, 0) AS pausing, {held(reason)} AS why,"
        f" coalesce({held(login)}, 1) AS there FROM ({events})"
    )
    states = (
        "SELECT agent_id, moment, rank, _file, _row, CASE WHEN there = 0 THEN 'offline'"
        " WHEN talking <> '' THEN 'talk' WHEN pausing = 1 THEN 'pause' ELSE 'ready' END AS state,"
        " CASE WHEN talking = '' AND pausing = 1 THEN nullif(why, '') END AS reason,"
        f" nullif(talking, '') AS call_id, queue FROM ({moments})"
    )
    # Of events at one second the last counts; a state that goes on is not cut.
    last = (
        f"SELECT DISTINCT ON (agent_id, moment) * FROM ({states})"
        " ORDER BY agent_id, moment, rank DESC, _file DESC, _row DESC"
    )
    begun = (
        f"SELECT *, lag((state, reason, call_id)) OVER (PARTITION BY agent_id ORDER BY moment) IS"
        f" DISTINCT FROM (state, reason, call_id) AS new FROM ({last})"
    )
    return (
        "SELECT s.agent_id, state, CASE WHEN q.open THEN 'no end' ELSE reason END AS reason,"
        " moment AS started_at, s.ended_at,"
        f" {given.named('coalesce(q.uniqueid, s.call_id)')} AS call_id,"
        " CASE WHEN state = 'talk' THEN q.queue END AS campaign_id FROM (SELECT *,"
        " lead(moment) OVER (PARTITION BY agent_id ORDER BY moment) AS ended_at FROM"
        f" ({begun}) WHERE new) AS s LEFT JOIN queued AS q ON s.call_id = q.callid"
        " AND s.agent_id = q.agent_id AND s.moment = q.agent_at WHERE state <> 'offline'"
    )

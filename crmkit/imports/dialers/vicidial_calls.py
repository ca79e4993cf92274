"""VICIdial's calls: dials and their results, inbound calls and the parts they are handed on in."""

from crmkit.imports.dialers.logs import Logs
from crmkit.imports.dialers.parts import OVERFLOW, epoch, lasted, whole
from crmkit.imports.readers import literal
from crmkit.settings import DialerSettings

__all__ = ["agent", "inbound", "make_parts", "make_talks", "outbound"]

_NOBODY = ("VDAD", "VDCL", "VICI")


def make_talks(logs: Logs) -> None:
    """When an agent took each call and had finished its notes, from the agent log."""
    logs.con.execute(
        f'CREATE TEMP TABLE talks AS SELECT uniqueid, "user", min({epoch("talk_epoch")}) AS taken,'
        f" max({epoch('dispo_epoch')} + to_seconds({lasted('dispo')})) AS noted"
        ' FROM vicidial_agent_log WHERE uniqueid IS NOT NULL GROUP BY uniqueid, "user"'
    )


def make_parts(logs: Logs) -> None:
    """The id of each inbound call, and the call it was handed on from.

    A call that is handed from one group to another, or from a dialling agent to a group, keeps its
    uniqueid: the first part bears it, the next ones their own number beside it.
    """
    logs.con.execute(
        "CREATE TEMP TABLE parts AS SELECT _file, _row, CASE WHEN earlier = 0 THEN own"
        " ELSE uniqueid || '/' || coalesce(closecallid, CAST(earlier AS VARCHAR)) END AS id,"
        " CASE WHEN nth > 1 THEN lag(CASE WHEN earlier = 0 THEN own ELSE uniqueid || '/' ||"
        " coalesce(closecallid, CAST(earlier AS VARCHAR)) END) OVER calls"
        " WHEN earlier > 0 THEN uniqueid END AS parent FROM (SELECT *, nth - 1 + dialled AS earlier"
        " FROM (SELECT _file, _row, closecallid, uniqueid, started_at,"
        " coalesce(uniqueid, closecallid) AS own, CASE WHEN uniqueid IS NULL THEN 1 ELSE"
        " row_number() OVER (PARTITION BY uniqueid ORDER BY started_at, _file, _row) END AS nth,"
        " CASE WHEN uniqueid IN (SELECT uniqueid FROM vicidial_log) THEN 1 ELSE 0 END AS dialled"
        " FROM vicidial_closer_log))"
        " WINDOW calls AS (PARTITION BY own ORDER BY nth)"
    )


def agent() -> str:
    """The SQL of who took a call; null where the dialler stands for nobody."""
    nobody = ", ".join(literal(name) for name in _NOBODY)
    return f'CASE WHEN "user" NOT IN ({nobody}) THEN "user" END'


_HANGUP = (
    "CASE WHEN term_reason IN ('CALLER', 'ABANDON') THEN 'customer'"
    " WHEN term_reason = 'AGENT' THEN 'agent' WHEN term_reason IN ('SYSTEM', 'QUEUETIMEOUT',"
    " 'AFTERHOURS', 'HOLDTIME', 'NOAGENT', 'MAXCALLS', 'ACFILTER', 'CLOSETIME') THEN 'system' END"
)


def outbound(given: DialerSettings) -> str:
    """The SQL of the dials as canonical calls."""
    method = (
        "CASE WHEN dial_method IN ('MANUAL', 'INBOUND_MAN') THEN 'manual' WHEN dial_method IN"
        " ('RATIO', 'SHARED_RATIO') THEN 'power' WHEN dial_method LIKE 'ADAPT%' THEN 'predictive'"
        " END"
    )
    mode = literal(given.mode) if given.mode else method
    return (
        f"SELECT {given.named('d.uniqueid')} AS call_id, NULL AS parent_call_id,"
        f" {given.named('d.lead_id')} AS lead_id, l.vendor_lead_code AS customer_id,"
        f" CASE WHEN {whole('called_count')} > 0 THEN {whole('called_count')} END AS attempt_no,"
        f" d.list_id, d.campaign_id, 'outbound' AS direction, {mode} AS mode,"
        " NULL AS trunk_id, started_at, NULL AS ringing_at, NULL AS answered_at,"
        " NULL AS queued_at, CASE WHEN agent_id IS NOT NULL THEN taken END AS agent_at, ended_at,"
        " CASE WHEN agent_id IS NOT NULL THEN noted END AS wrap_end_at,"
        f" c.result, d.status AS raw_status, NULL AS amd_result, {_HANGUP} AS hangup_by,"
        " agent_id, CASE WHEN agent_id IS NOT NULL THEN d.status END AS disposition,"
        f" NULL AS recording_id FROM ({_timed('vicidial_log')}) AS d {_JOINED}"
        " LEFT JOIN vicidial_campaigns AS m ON d.campaign_id = m.campaign_id"
    )


def inbound(given: DialerSettings) -> str:
    """The SQL of the calls that came in, or were handed on, as canonical calls."""
    taken = f"started_at + to_seconds({whole('queue_seconds')})"
    return (
        f"SELECT {given.named('id')}, {given.named('parent')}, {given.named('d.lead_id')},"
        " l.vendor_lead_code, NULL, CASE WHEN d.list_id <> '999' THEN d.list_id END,"
        " d.campaign_id, 'inbound', NULL, NULL, started_at, NULL, started_at,"
        " CASE WHEN coalesce(c.result, '') NOT IN ('blocked', 'cancelled') THEN started_at END,"
        f" CASE WHEN agent_id IS NOT NULL THEN coalesce({taken}, taken) END, ended_at,"
        " CASE WHEN agent_id IS NOT NULL THEN noted END,"
        f" c.result, d.status, NULL, {_HANGUP}, agent_id,"
        " CASE WHEN agent_id IS NOT NULL THEN d.status END, NULL"
        f" FROM ({_timed('vicidial_closer_log')}) AS d JOIN parts USING (_file, _row) {_JOINED}"
    )


_JOINED = (
    'LEFT JOIN talks AS t ON d.uniqueid = t.uniqueid AND d."user" = t."user"'
    " LEFT JOIN codes AS c ON d.status = c.code"
    " LEFT JOIN vicidial_list AS l ON d.lead_id = l.lead_id"
)


def _timed(log: str) -> str:
    return f"SELECT *, {_ended()} AS ended_at, {agent()} AS agent_id FROM {log}"


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

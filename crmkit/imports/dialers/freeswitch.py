"""FreeSWITCH: the records of mod_cdr_csv, the A-leg only.

They know nothing of agents, leads or queues, and that a call was answered, not by whom: answered is
read as `human`, machines with it.
"""

from crmkit.imports.dialers.logs import Log, Logs
from crmkit.imports.dialers.parts import BACKWARDS, NO_ID, NO_TIME, local, results
from crmkit.imports.readers import literal
from crmkit.settings import DialerSettings

__all__ = ["FILES", "LOGS", "make"]

_CDR = Log(
    name="cdr",
    columns=(
        *("caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp"),
        *("answer_stamp", "end_stamp", "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid"),
        "accountcode",
    ),
    needed=("start_stamp", "hangup_cause", "uuid"),
    headed=False,
)
LOGS: tuple[Log, ...] = (_CDR,)
FILES = {"cdr": "*.csv*"}
"""The logs, and where they are looked for."""

_STAMPS = {"started_at": "start_stamp", "answered_at": "answer_stamp", "ended_at": "end_stamp"}


def make(logs: Logs, given: DialerSettings) -> dict[str, tuple[str, str]]:
    """Clean the records and give the SQL of the canonical calls."""
    logs.drop_repeats(_CDR)
    for instant, column in _STAMPS.items():
        logs.instant(_CDR, instant, local(column, given.zone))
    logs.refuse(_CDR, "uuid IS NULL", NO_ID, "uuid")
    logs.refuse(_CDR, "started_at IS NULL", NO_TIME, "start_stamp")
    logs.drop_repeats(_CDR, key="uuid", latest="ended_at")
    logs.mend_hour(_CDR)
    logs.refuse(_CDR, "ended_at < started_at", BACKWARDS)
    answered = "(answered_at IS NOT NULL OR try_cast(billsec AS BIGINT) > 0)"
    result = f"CASE WHEN {answered} THEN 'human' ELSE {results('freeswitch', 'hangup_cause')} END"
    comes_in = f"context IN ({', '.join(literal(name) for name in given.incoming)})"
    # The B-leg of another record, where both are written, is a part of that call.
    logs.con.execute(
        "CREATE TEMP TABLE legs AS SELECT bleg_uuid AS uuid, min(uuid) AS parent FROM cdr"
        " WHERE bleg_uuid <> uuid GROUP BY bleg_uuid"
    )
    calls = (
        f"SELECT {given.named('uuid')} AS call_id, {given.named('parent')} AS parent_call_id,"
        " NULL AS lead_id,"
        " NULL AS customer_id, NULL AS attempt_no, NULL AS list_id, accountcode AS campaign_id,"
        f" CASE WHEN {comes_in} THEN 'inbound' ELSE 'outbound' END AS direction,"
        f" {literal(given.mode) if given.mode else 'NULL'} AS mode, NULL AS trunk_id,"
        " started_at, NULL AS ringing_at, answered_at, NULL AS queued_at, NULL AS agent_at,"
        f" ended_at, NULL AS wrap_end_at, {result} AS result,"
        " hangup_cause AS raw_status, NULL AS amd_result, NULL AS hangup_by, NULL AS agent_id,"
        " NULL AS disposition, NULL AS recording_id FROM cdr LEFT JOIN legs USING (uuid)"
    )
    campaigns = (
        "SELECT DISTINCT accountcode AS campaign_id, NULL AS kind, NULL AS started_at,"
        " NULL AS ended_at, NULL AS settings FROM cdr WHERE accountcode IS NOT NULL"
    )
    return {"calls": (calls, "cdr"), "campaigns": (campaigns, "")}

"""The canonical tables: which columns there are, of what type, and what they mean.

Every firm's exports are mapped to these tables once, on import. Instants are UTC, stored without
a zone; money is in the book's currency with four exact decimals, so that a sum is the same in any
order; ids are strings.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import ibis.expr.datatypes as dt
import ibis.expr.schema as sch

from crmkit.errors import ParameterError, nearest

__all__ = ["LEAD_STEPS", "LEAD_VERDICTS", "TABLES", "Column", "Table", "table"]

TEXT, INSTANT, DAY, MONEY = "string", "timestamp", "date", "decimal(18, 4)"
COUNT, REAL, FLAG, TEXTS = "int64", "float64", "boolean", "array<string>"


@dataclass(frozen=True)
class Column:
    """One column: its name, ibis type, meaning, and whether it may be empty or names a person."""

    name: str
    type: str
    meaning: str
    required: bool = False
    personal: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One canonical table: what a row is, its columns, its key, and the order it is stored in."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    time: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that every row must fill."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def personal(self) -> tuple[str, ...]:
        """The columns that name a person, masked in every report."""
        return tuple(column.name for column in self.columns if column.personal)

    def column(self, name: str) -> Column:
        """The column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise ParameterError(_unknown(f"column of {self.name}", name, self.names))

    def schema(self) -> sch.Schema:
        """The ibis schema of the table."""
        return sch.Schema({column.name: dt.dtype(column.type) for column in self.columns})


def _unknown(what: str, given: str, valid: Iterable[str]) -> str:
    names = sorted(valid)
    guess = nearest(given, names)
    hint = f" Did you mean {guess!r}?" if guess else ""
    return f"There is no {what} named {given!r}.{hint} There are: {', '.join(names)}."


def _must(name: str, type_: str, meaning: str, *, values: tuple[str, ...] = ()) -> Column:
    return Column(name, type_, meaning, required=True, values=values)


def _may(name: str, type_: str, meaning: str, *, values: tuple[str, ...] = ()) -> Column:
    return Column(name, type_, meaning, values=values)


def _personal(name: str, meaning: str) -> Column:
    return Column(name, TEXT, meaning, personal=True)


_UTM = (
    _may("channel", TEXT, "the marketing channel"),
    _may("campaign", TEXT, "the campaign's name"),
    _may("medium", TEXT, "the medium, as in utm_medium"),
    _may("content", TEXT, "the creative, as in utm_content"),
    _may("keyword", TEXT, "the search word, as in utm_term"),
)

TOUCH_KINDS = ("paid", "owned", "direct", "call")
LEAD_STEPS = (
    "dispatched",
    "contacted",
    "interacted",
    "intent",
    "won",
    "lost",
    "released",
    "recycled",
    "follow_up",
)
LEAD_VERDICTS = ("sound", "blacklisted", "unreachable", "do_not_call", "merged", "too_often")
CALL_RESULTS = (
    "human",
    "machine",
    "no_answer",
    "busy",
    "rejected",
    "powered_off",
    "suspended",
    "empty_number",
    "unreachable",
    "blocked",
    "failed",
    "cancelled",
    "dropped",
)
AGENT_STATES = ("offline", "ready", "preview", "ringing", "talk", "hold", "wrap", "pause")

_CUSTOMERS = Table(
    "customers",
    "a person or firm",
    (
        _must("customer_id", TEXT, "who it is"),
        _may("created_at", INSTANT, "when the customer became known"),
        _may("channel", TEXT, "the channel that brought the customer"),
        _may("region", TEXT, "province, state or country"),
        _may("city", TEXT, "city"),
        _may("industry", TEXT, "industry"),
        _may("tags", TEXTS, "labels given by the firm"),
        _personal("name", "the customer's name"),
        _personal("phone", "telephone number in E.164"),
        _personal("email", "mail address"),
    ),
    key=("customer_id",),
    order=("customer_id",),
)

_IDENTITIES = Table(
    "identities",
    "an id that someone is known by",
    (
        _must("source", TEXT, "the system that gave the id"),
        Column("source_id", TEXT, "the id in that system", required=True, personal=True),
        _may("customer_id", TEXT, "whom it belongs to"),
    ),
    key=("source", "source_id"),
    order=("customer_id", "source", "source_id"),
)

_EVENTS = Table(
    "events",
    "something a visitor did",
    (
        _must("event_id", TEXT, "which event"),
        _may("visitor_id", TEXT, "the browser or device"),
        _may("customer_id", TEXT, "the customer, where known"),
        _may("session_id", TEXT, "the visit"),
        _must("occurred_at", INSTANT, "when it happened"),
        _must("event", TEXT, "what happened"),
        *_UTM,
        _may("landing_page", TEXT, "the first page of the visit"),
        _may("device", TEXT, "kind of device"),
        _may("page", TEXT, "the page it happened on"),
        _may("element", TEXT, "the element of the page"),
        _may("x", REAL, "horizontal place of a click, share of the page's width"),
        _may("y", REAL, "vertical place of a click, in pixels of the page"),
        _may("scroll", REAL, "depth reached, share of the page's height"),
        _may("value", REAL, "a number that goes with the event"),
    ),
    key=("event_id",),
    order=("customer_id", "visitor_id", "occurred_at", "event_id"),
    time="occurred_at",
)

_TOUCHES = Table(
    "touches",
    "a marketing contact",
    (
        _must("customer_id", TEXT, "who was touched"),
        _must("occurred_at", INSTANT, "when"),
        *_UTM,
        _may("kind", TEXT, "how it was paid for", values=TOUCH_KINDS),
    ),
    key=(),
    order=("customer_id", "occurred_at", "channel", "campaign"),
    time="occurred_at",
)

_SPEND = Table(
    "spend",
    "a day of a campaign",
    (
        _must("day", DAY, "the day"),
        _must("channel", TEXT, "the marketing channel"),
        _may("campaign", TEXT, "the campaign's name"),
        _must("cost", MONEY, "what it cost"),
        _may("impressions", COUNT, "times shown"),
        _may("clicks", COUNT, "times clicked"),
    ),
    key=("day", "channel", "campaign"),
    order=("day", "channel", "campaign"),
    time="day",
)

_ORDERS = Table(
    "orders",
    "a purchase",
    (
        _must("order_id", TEXT, "which purchase"),
        _may("customer_id", TEXT, "who bought, where known"),
        _must("ordered_at", INSTANT, "when"),
        _must("amount", MONEY, "what was paid; below zero only where refunded"),
        _may("category", TEXT, "what kind of goods"),
        _may("channel", TEXT, "where it was sold"),
        _may("refunded", FLAG, "true for a refund or cancellation"),
    ),
    key=("order_id",),
    order=("customer_id", "ordered_at", "order_id"),
    time="ordered_at",
)

_LEADS = Table(
    "leads",
    "a chance to sell",
    (
        _must("lead_id", TEXT, "which lead"),
        _may("customer_id", TEXT, "the customer, where known"),
        _may("list_id", TEXT, "the list it came in"),
        _may("source", TEXT, "where it came from"),
        _must("created_at", INSTANT, "when it was made"),
        _may("score", REAL, "the firm's own score"),
        _personal("phone", "telephone number in E.164"),
        _personal("email", "mail address"),
        _personal("chat", "open id, such as of WeChat"),
    ),
    key=("lead_id",),
    order=("customer_id", "created_at", "lead_id"),
    time="created_at",
)

_LEAD_CHECKS = Table(
    "lead_checks",
    "what the import found of a lead",
    (
        _must("lead_id", TEXT, "which lead"),
        _may("customer_id", TEXT, "the customer, where known"),
        _may("list_id", TEXT, "the list it came in"),
        _may("source", TEXT, "where it came from"),
        _must("created_at", INSTANT, "when it was made"),
        _must("verdict", TEXT, "what was found", values=LEAD_VERDICTS),
        _must("stored", FLAG, "whether it is among the leads"),
        _may("into_lead_id", TEXT, "the lead that a repeat was merged into"),
        _may("agent_id", TEXT, "the owner protected then"),
        _may("given_to", TEXT, "who was given the repeat all the same"),
        _may("by_phone", FLAG, "whether a telephone number may be called"),
        _may("by_email", FLAG, "whether there is a mail address"),
        _may("by_chat", FLAG, "whether there is an open id"),
    ),
    key=("lead_id",),
    order=("created_at", "lead_id"),
    time="created_at",
)

_LEAD_EVENTS = Table(
    "lead_events",
    "a step in a lead's life",
    (
        _must("lead_id", TEXT, "which lead"),
        _must("occurred_at", INSTANT, "when"),
        _must("kind", TEXT, "which step", values=LEAD_STEPS),
        _may("agent_id", TEXT, "who did it"),
        _personal("note", "what the agent wrote"),
    ),
    key=(),
    order=("lead_id", "occurred_at", "kind"),
    time="occurred_at",
)

_CAMPAIGNS = Table(
    "campaigns",
    "a dialling or marketing campaign",
    (
        _must("campaign_id", TEXT, "which campaign"),
        _may("kind", TEXT, "what kind"),
        _may("started_at", INSTANT, "when it began"),
        _may("ended_at", INSTANT, "when it ended"),
        _may("settings", TEXT, "its settings, as JSON"),
    ),
    key=("campaign_id",),
    order=("campaign_id",),
    time="started_at",
)

_CALLS = Table(
    "calls",
    "a call attempt",
    (
        _must("call_id", TEXT, "which call"),
        _may("parent_call_id", TEXT, "the call it was transferred from"),
        _may("lead_id", TEXT, "the lead called"),
        _may("customer_id", TEXT, "the customer called, or calling"),
        _may("attempt_no", COUNT, "which attempt for the lead, from 1"),
        _may("list_id", TEXT, "the list it came from"),
        _may("campaign_id", TEXT, "the campaign"),
        _may("direction", TEXT, "which way", values=("outbound", "inbound")),
        _may("mode", TEXT, "manual, preview, progressive, power, predictive or voice"),
        _may("trunk_id", TEXT, "the line used"),
        _must("started_at", INSTANT, "when dialling began"),
        _may("ringing_at", INSTANT, "when it rang"),
        _may("answered_at", INSTANT, "when it was answered"),
        _may("queued_at", INSTANT, "when it began to wait for an agent"),
        _may("agent_at", INSTANT, "when an agent took it"),
        _may("ended_at", INSTANT, "when the line was free again"),
        _may("wrap_end_at", INSTANT, "when the agent had finished the notes"),
        _may("result", TEXT, "what came of the dial", values=CALL_RESULTS),
        _may("raw_status", TEXT, "the status as the dialler wrote it"),
        _may("amd_result", TEXT, "what answering-machine detection said"),
        _may("hangup_by", TEXT, "who ended it", values=("customer", "agent", "system")),
        _may("agent_id", TEXT, "the agent"),
        _may("disposition", TEXT, "the outcome the agent chose"),
        _may("recording_id", TEXT, "the recording"),
    ),
    key=("call_id",),
    order=("customer_id", "started_at", "call_id"),
    time="started_at",
)

_AGENT_STATES = Table(
    "agent_states",
    "an interval of an agent",
    (
        _must("agent_id", TEXT, "which agent"),
        _must("state", TEXT, "what the agent did", values=AGENT_STATES),
        _may("reason", TEXT, "why, for a pause"),
        _must("started_at", INSTANT, "from when"),
        _may("ended_at", INSTANT, "until when"),
        _may("call_id", TEXT, "the call, if any"),
        _may("campaign_id", TEXT, "the campaign, if any"),
    ),
    key=("agent_id", "started_at"),
    order=("agent_id", "started_at"),
    time="started_at",
)

_AGENTS = Table(
    "agents",
    "an agent",
    (
        _must("agent_id", TEXT, "which agent"),
        _may("team", TEXT, "the team"),
        _may("hired_at", INSTANT, "first day of work"),
        _personal("name", "the agent's name"),
    ),
    key=("agent_id",),
    order=("agent_id",),
)

_DISPOSITIONS = Table(
    "dispositions",
    "what an outcome means",
    (
        _must("code", TEXT, "the outcome's code"),
        _may("human_answered", FLAG, "a person answered"),
        _may("right_party", FLAG, "the right person was reached"),
        _may("interest", FLAG, "there was interest"),
        _may("sale", FLAG, "it was a sale"),
        _may("do_not_call", FLAG, "must not be called again"),
        _may("callback", FLAG, "a callback was agreed"),
        _may("completed", FLAG, "nothing more to do"),
    ),
    key=("code",),
    order=("code",),
)

_INTERVENTIONS = Table(
    "interventions",
    "what was done about a warning",
    (
        _must("customer_id", TEXT, "for whom"),
        _must("assigned_at", INSTANT, "when it was decided"),
        _may("reason", TEXT, "the reason of the warning"),
        _may("action", TEXT, "what was to be done"),
        _must("arm", TEXT, "treated, or held out to measure", values=("treated", "holdout")),
        _may("cost", MONEY, "what it cost"),
    ),
    key=("customer_id", "assigned_at"),
    order=("customer_id", "assigned_at"),
    time="assigned_at",
)

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        _CUSTOMERS,
        _IDENTITIES,
        _EVENTS,
        _TOUCHES,
        _SPEND,
        _ORDERS,
        _LEADS,
        _LEAD_CHECKS,
        _LEAD_EVENTS,
        _CAMPAIGNS,
        _CALLS,
        _AGENT_STATES,
        _AGENTS,
        _DISPOSITIONS,
        _INTERVENTIONS,
    )
}
"""Every canonical table by its name."""


def table(name: str) -> Table:
    """The canonical table of that name.

    >>> table("orders").key
    ('order_id',)
    """
    try:
        return TABLES[name]
    except KeyError:
        raise ParameterError(_unknown("table", name, TABLES)) from None

"""The numbers that stand for results, states and outcomes inside the engine, and their names."""

from dataclasses import dataclass

from crmkit import schema

__all__ = [
    "CONFUSION",
    "DISPOSITIONS",
    "MODES",
    "RAW",
    "RESULTS",
    "STATES",
    "STATUSES",
    "Disposition",
]

_LAST = ("blocked", "dropped")
RESULTS = (
    *(name for name in schema.CALL_RESULTS if name not in (*_LAST, "cancelled")),
    *_LAST,
)
"""What can come of a dial; the first two are answered, the last two are the floor's doing."""

MODES = ("manual", "preview", "progressive", "power", "predictive")

STATES = tuple(name for name in schema.AGENT_STATES if name != "hold")

RAW = {
    "machine": "AA",
    "no_answer": "NA",
    "busy": "B",
    "rejected": "REJ",
    "powered_off": "POFF",
    "suspended": "SUSP",
    "empty_number": "ADC",
    "unreachable": "UNR",
    "failed": "CONG",
    "blocked": "BLK",
    "dropped": "DROP",
}
"""The status a dialler writes for a result that no agent disposes of."""

CONFUSION = (
    ("no_answer", "busy", 0.05),
    ("rejected", "busy", 0.45),
    ("rejected", "no_answer", 0.10),
    ("powered_off", "unreachable", 0.10),
    ("suspended", "empty_number", 0.05),
)
"""True cause, reported cause, and how often: switches say "in a call" for many who refuse."""


@dataclass(frozen=True)
class Disposition:
    """An outcome's code and its flags."""

    code: str
    human_answered: bool = False
    right_party: bool = False
    interest: bool = False
    sale: bool = False
    do_not_call: bool = False
    callback: bool = False
    completed: bool = False


DISPOSITIONS = (
    Disposition("NI", human_answered=True, right_party=True, completed=True),
    Disposition(
        "SALE", human_answered=True, right_party=True, interest=True, sale=True, completed=True
    ),
    Disposition("CALLBK", human_answered=True, right_party=True, interest=True, callback=True),
    Disposition("INT", human_answered=True, right_party=True, interest=True, completed=True),
    Disposition("WRONG", human_answered=True, completed=True),
    Disposition("DNC", human_answered=True, right_party=True, do_not_call=True, completed=True),
    Disposition("HUP", human_answered=True),
    Disposition("AM"),
    Disposition("INB", human_answered=True, right_party=True, completed=True),
    Disposition("VINT", human_answered=True, right_party=True, interest=True, completed=True),
    Disposition("VMSG", human_answered=True, completed=True),
)
"""What agents choose (and automatic voice calls end in), by the engine's number."""

STATUSES = (
    Disposition("AA"),
    Disposition("NA"),
    Disposition("B"),
    Disposition("REJ"),
    Disposition("POFF"),
    Disposition("SUSP", completed=True),
    Disposition("ADC", completed=True),
    Disposition("UNR"),
    Disposition("CONG"),
    Disposition("BLK"),
    Disposition("DROP", human_answered=True),
)
"""What the dialler writes itself; a drop was answered by a person."""

"""How the call floor performs: five questions, each with its own result.

`calls`, dials and what came of them; `drops`, persons met by no agent, against the rule; `service`,
callers' waits and agents' time; `trunks`, lines in use and needed; `voice`, automatic calls beside
those of people. All tell the last `days` days up to `as_of` and compare them with as many before.
"""

from crmkit.analyses.calls.answering import Service, service
from crmkit.analyses.calls.automatic import Voice, voice
from crmkit.analyses.calls.dialling import Calls, calls
from crmkit.analyses.calls.dropped import DropRule, Drops, drops
from crmkit.analyses.calls.lines import Trunks, trunks

__all__ = [
    "Calls",
    "DropRule",
    "Drops",
    "Service",
    "Trunks",
    "Voice",
    "calls",
    "drops",
    "service",
    "trunks",
    "voice",
]

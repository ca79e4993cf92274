"""A workbook for CRM and telesales analysts: the public names."""

from crmkit.actions import ActionList, write_actions
from crmkit.analyses.campaigns import campaign_effect, campaigns, contact_frequency
from crmkit.analyses.lifecycle import lifecycle
from crmkit.analyses.lifetime import lifetime
from crmkit.analyses.movement import movement
from crmkit.analyses.retention import retention
from crmkit.analyses.rfm import rfm
from crmkit.analyses.stickiness import stickiness
from crmkit.analyses.survival import projection, survival, time_to_return
from crmkit.book import Book, connect
from crmkit.purchases import purchases
from crmkit.summary import summary
from crmkit.text import set_reader

__all__ = [
    "ActionList",
    "Book",
    "campaign_effect",
    "campaigns",
    "connect",
    "contact_frequency",
    "lifecycle",
    "lifetime",
    "movement",
    "projection",
    "purchases",
    "retention",
    "rfm",
    "set_reader",
    "stickiness",
    "summary",
    "survival",
    "time_to_return",
    "write_actions",
]

"""A workbook for CRM and telesales analysts: the public names."""

from importlib import import_module
from types import ModuleType

from crmkit.actions import ActionList, write_actions
from crmkit.analyses.agents import agents, commission
from crmkit.analyses.attention import attention
from crmkit.analyses.attribution import attribution, attribution_sensitivity
from crmkit.analyses.calls import DropRule, calls, drops, service, trunks, voice
from crmkit.analyses.campaigns import (
    campaign_effect,
    campaigns,
    contact_frequency,
    coupon_use,
)
from crmkit.analyses.channels import channels, referral
from crmkit.analyses.churn import Leaving, churn, churn_model
from crmkit.analyses.clusters import clusters
from crmkit.analyses.followers import followers
from crmkit.analyses.forms import FormEvents, forms
from crmkit.analyses.funnel import dropoff, funnel, funnel_drivers, funnel_sensitivity
from crmkit.analyses.interest import interest
from crmkit.analyses.leads import (
    DispatchRules,
    first_response,
    lead_aging,
    lead_cost,
    lead_dispatch,
    lead_owners,
    lead_pool,
    lead_quality,
    lead_score,
    leads,
)
from crmkit.analyses.lifecycle import lifecycle
from crmkit.analyses.lifetime import lifetime
from crmkit.analyses.lists import lists
from crmkit.analyses.movement import movement
from crmkit.analyses.paths import (
    Anchors,
    Cleaning,
    compare_paths,
    paths,
    smart_paths,
    transitions,
)
from crmkit.analyses.portraits import portraits
from crmkit.analyses.reach import reach
from crmkit.analyses.retention import retention
from crmkit.analyses.rfm import rfm
from crmkit.analyses.scenarios import scenarios
from crmkit.analyses.staffing import ShiftPattern, staffing
from crmkit.analyses.states import states
from crmkit.analyses.stickiness import stickiness
from crmkit.analyses.survival import projection, survival, time_to_return
from crmkit.analyses.talks import talks
from crmkit.analyses.timeline import example_visit, timeline
from crmkit.analyses.traffic import crossing, traffic
from crmkit.analyses.winback import feedback, winback
from crmkit.analyses.workload import workload
from crmkit.book import Book, connect
from crmkit.dials import on_floor
from crmkit.periods import window_start
from crmkit.purchases import purchases
from crmkit.rehearsal import rehearse
from crmkit.steps import Exclusion, Matching, Step
from crmkit.summary import summary
from crmkit.text import set_reader
from crmkit.working_hours import WorkingHours, working_hours

__all__ = [
    "ActionList",
    "Anchors",
    "Book",
    "Cleaning",
    "DispatchRules",
    "DropRule",
    "Exclusion",
    "FormEvents",
    "Leaving",
    "Matching",
    "ShiftPattern",
    "Step",
    "WorkingHours",
    "agents",
    "attention",
    "attribution",
    "attribution_sensitivity",
    "calls",
    "campaign_effect",
    "campaigns",
    "channels",
    "churn",
    "churn_model",
    "clusters",
    "commission",
    "compare_paths",
    "connect",
    "contact_frequency",
    "coupon_use",
    "crossing",
    "dropoff",
    "drops",
    "example_visit",
    "feedback",
    "first_response",
    "followers",
    "forms",
    "funnel",
    "funnel_drivers",
    "funnel_sensitivity",
    "interest",
    "lead_aging",
    "lead_cost",
    "lead_dispatch",
    "lead_owners",
    "lead_pool",
    "lead_quality",
    "lead_score",
    "leads",
    "lifecycle",
    "lifetime",
    "lists",
    "movement",
    "on_floor",
    "paths",
    "portraits",
    "projection",
    "purchases",
    "reach",
    "referral",
    "rehearse",
    "retention",
    "rfm",
    "scenarios",
    "service",
    "set_reader",
    "smart_paths",
    "staffing",
    "states",
    "stickiness",
    "summary",
    "survival",
    "talks",
    "time_to_return",
    "timeline",
    "traffic",
    "transitions",
    "trunks",
    "voice",
    "winback",
    "window_start",
    "working_hours",
    "workload",
    "write_actions",
]


def __getattr__(name: str) -> ModuleType:
    """The simulator, imported when it is asked for: it takes a while, and few need it."""
    if name == "simulate":
        return import_module("crmkit.simulate")
    raise AttributeError(f"module 'crmkit' has no attribute {name!r}")

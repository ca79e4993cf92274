"""Funnels: who gets how far through a row of steps, where they leave, and where they go instead."""

from crmkit.analyses.funnel.drivers import Drivers, funnel_drivers
from crmkit.analyses.funnel.dropoff import Dropoff, dropoff
from crmkit.analyses.funnel.funnel import funnel
from crmkit.analyses.funnel.result import Funnel
from crmkit.analyses.funnel.sensitivity import FunnelSensitivity, funnel_sensitivity

__all__ = [
    "Drivers",
    "Dropoff",
    "Funnel",
    "FunnelSensitivity",
    "dropoff",
    "funnel",
    "funnel_drivers",
    "funnel_sensitivity",
]

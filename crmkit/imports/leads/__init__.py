"""Leads on their way in: who can be reached, who must be left alone, whose they are already."""

from crmkit.imports.leads.check import LeadCheck
from crmkit.imports.leads.steps import settle_leads, settle_steps

__all__ = ["LeadCheck", "settle_leads", "settle_steps"]

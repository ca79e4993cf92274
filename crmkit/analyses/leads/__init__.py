"""Leads: from list to win to pool; how fast they are answered, how they age, what is in hand."""

from crmkit.analyses.leads.aging import LeadAging, lead_aging
from crmkit.analyses.leads.cost import lead_cost
from crmkit.analyses.leads.cost_result import LeadCost
from crmkit.analyses.leads.dispatch import DispatchRules, lead_dispatch
from crmkit.analyses.leads.dispatch_result import LeadDispatch
from crmkit.analyses.leads.life import leads
from crmkit.analyses.leads.owners import LeadOwners, lead_owners
from crmkit.analyses.leads.pool import lead_pool
from crmkit.analyses.leads.pool_result import LeadPool
from crmkit.analyses.leads.quality import LeadQuality, lead_quality
from crmkit.analyses.leads.response import first_response
from crmkit.analyses.leads.response_result import FirstResponse
from crmkit.analyses.leads.score import lead_score
from crmkit.analyses.leads.score_result import LeadScore
from crmkit.analyses.leads.stages import Leads

__all__ = [
    "DispatchRules",
    "FirstResponse",
    "LeadAging",
    "LeadCost",
    "LeadDispatch",
    "LeadOwners",
    "LeadPool",
    "LeadQuality",
    "LeadScore",
    "Leads",
    "first_response",
    "lead_aging",
    "lead_cost",
    "lead_dispatch",
    "lead_owners",
    "lead_pool",
    "lead_quality",
    "lead_score",
    "leads",
]

"""Workload: what agents did with their time, by interval, day, team and agent."""

from crmkit.analyses.workload.agent_day import AgentDay
from crmkit.analyses.workload.question import workload
from crmkit.analyses.workload.result import Workload

__all__ = ["AgentDay", "Workload", "workload"]

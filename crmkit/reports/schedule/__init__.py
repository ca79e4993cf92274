"""Reports on schedule: what is due, running it once, and telling who should know."""

from crmkit.reports.schedule.ledger import Entry, Ledger
from crmkit.reports.schedule.plan import Decision, decisions
from crmkit.reports.schedule.runner import Outcome, run_due

__all__ = ["Decision", "Entry", "Ledger", "Outcome", "decisions", "run_due"]

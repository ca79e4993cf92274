"""Who is about to leave: rules, a model chosen by backtest, when, why, and what it is worth."""

from crmkit.analyses.churn.churn import churn
from crmkit.analyses.churn.contract import ChurnModel, churn_model
from crmkit.analyses.churn.leaving import Leaving
from crmkit.analyses.churn.result import Churn

__all__ = ["Churn", "ChurnModel", "Leaving", "churn", "churn_model"]

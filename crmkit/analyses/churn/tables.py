"""The tables of the churn warning."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from crmkit import text
from crmkit.analyses.churn.features import name
from crmkit.analyses.churn.sheets import reason_name
from crmkit.analyses.churn.words import grade_name, model_name, stage_name
from crmkit.blocks import Column, Table
from crmkit.text import say

if TYPE_CHECKING:
    from crmkit.analyses.churn.result import Churn

__all__ = ["all_tables", "rule_names"]


def all_tables(result: "Churn") -> Mapping[str, Table]:
    """Every table by name, the grades first."""
    found = {
        "grades": _grades(result),
        "rules": _rules(result),
        "reasons": _reasons(result),
        "backtest": _backtest(result),
        "calibration": _calibration(result),
    }
    if result.coefficients is not None:
        found["features"] = _features(result.coefficients)
    return found | {"stages": _stages(result), "when": _when(result)}


def rule_names(result: "Churn") -> list[str]:
    """The rules for readers, in the order of the frame."""
    names = {rule.rule: rule.name for rule in result.rule_table}
    return [names[rule] for rule in result.rules.rule]


def _grades(result: "Churn") -> Table:
    frame = result.grades.assign(name=[grade_name(g) for g in result.grades.grade])
    columns = (
        Column("name", say("Risk")),
        Column("customers", say("Customers"), "count"),
        Column("value", say("Value of the period"), "money", 0),
        Column("at_risk", say("Money at risk"), "money", 0),
        Column(
            "rate", say("Left in the last trial"), "rate", low="rate_low", high="rate_high", n="n"
        ),
        Column("n", say("Customers of the trial"), "count", folded=True),
    )
    return Table("churn-grades", say("Customers by risk"), frame, columns)


def _rules(result: "Churn") -> Table:
    frame = result.rules.assign(name=rule_names(result))
    columns = (
        Column("name", say("Rule")),
        Column("n", say("Warned of"), "count"),
        Column(
            "precision", say("Of them left"), "rate", low="precision_low", high="precision_high",
            n="n",
        ),
        Column(
            "recall", say("Of leavers warned of"), "rate", low="recall_low", high="recall_high",
            n="left",
        ),
        Column("lift", say("Times the base"), "number", 1),
        Column("lead", say("Days ahead, median"), "count"),
        Column("weight", say("Points now"), "number", 1),
        Column("fitted", say("Points fitted"), "number", 1),
    )  # fmt: skip
    note = say("One point more doubles the odds, all rules taken together.")
    return Table("churn-rules", say("What each rule was worth"), frame, columns, note=note)


def _reasons(result: "Churn") -> Table:
    causes = result.causes
    frame = causes.assign(name=[reason_name(r, result.reasons) for r in causes.reason])
    columns = (
        Column("name", say("Reason")),
        Column("customers", say("Customers at risk"), "count"),
        Column("at_risk", say("Money at risk"), "money", 0),
    )
    return Table("churn-reasons", say("Why they may leave"), frame, columns)


def _backtest(result: "Churn") -> Table:
    days = [dt.date(1970, 1, 1) + dt.timedelta(days=int(d)) for d in result.backtest.snapshot]
    frame = result.backtest.assign(
        day=pd.Series(days, dtype=object, index=result.backtest.index),
        name=[model_name(m) for m in result.backtest.model],
    )
    columns = (
        Column("day", say("Snapshot"), "day"),
        Column("name", say("Model")),
        Column("n", say("Customers"), "count"),
        Column("base", say("Did leave"), "rate", n="n"),
        Column("pr_auc", say("Area, precision and recall"), "number", 3),
        Column("roc_auc", say("Area, ROC"), "number", 3),
        Column("contacted", say("Contacted"), "count", folded=True),
        Column(
            "precision", say("Of those contacted left"), "rate", low="precision_low",
            high="precision_high", n="contacted",
        ),
        Column("lift", say("Times the base"), "number", 1),
    )  # fmt: skip
    caption = say("How the models did on months they had not seen")
    return Table("churn-backtest", caption, frame, columns)


def _calibration(result: "Churn") -> Table:
    columns = (
        Column("tenth", say("Tenth"), "count"),
        Column("n", say("Customers"), "count"),
        Column("predicted", say("Said"), "rate"),
        Column("rate", say("Came true"), "rate", low="rate_low", high="rate_high", n="n"),
    )
    caption = say("Chances said and what came true, last trial")
    return Table("churn-calibration", caption, result.calibration, columns)


def _features(coefficients: pd.DataFrame) -> Table:
    frame = coefficients.assign(name=[name(f) for f in coefficients.feature])
    columns = (
        Column("name", say("Feature")),
        Column("odds", say("Odds ratio of a standard deviation"), "number", 2,
               low="odds_low", high="odds_high"),
    )  # fmt: skip
    return Table("churn-features", say("What the logistic regression sees"), frame, columns)


def _stages(result: "Churn") -> Table:
    frame = result.stages.assign(name=[stage_name(s) for s in result.stages.stage])
    columns = (
        Column("name", say("Stage")),
        Column("customers", say("Customers"), "count"),
        Column("value", say("Value of the period"), "money", 0),
    )
    return Table("churn-stages", say("Who they are"), frame, columns)


def _when(result: "Churn") -> Table:
    columns = (
        Column("silent", say("Days silent so far"), "count"),
        Column("at_risk", say("Customers watched"), "count"),
        Column(
            "returns", say("Order again within 30 days"), "rate", low="returns_low",
            high="returns_high", n="at_risk",
        ),
    )  # fmt: skip
    caption = say("The chance of another order, by {day}", day=text.day(result.as_of))
    return Table("churn-when", caption, result.when, columns)

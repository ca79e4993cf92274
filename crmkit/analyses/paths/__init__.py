"""Paths: what visitors do one after another, and the routes that lead to a goal."""

from crmkit.analyses.paths.compare import PathDifference, compare_paths
from crmkit.analyses.paths.paths import Paths, paths
from crmkit.analyses.paths.question import Anchors
from crmkit.analyses.paths.smart import SmartPaths, smart_paths
from crmkit.analyses.paths.trail import Cleaning
from crmkit.analyses.paths.transitions import Transitions, transitions

__all__ = [
    "Anchors",
    "Cleaning",
    "PathDifference",
    "Paths",
    "SmartPaths",
    "Transitions",
    "compare_paths",
    "paths",
    "smart_paths",
    "transitions",
]

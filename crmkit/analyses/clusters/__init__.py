"""Groups of customers that the data form by themselves, and how stable they are."""

from crmkit.analyses.clusters.clusters import Clusters, clusters

__all__ = ["Clusters", "clusters"]

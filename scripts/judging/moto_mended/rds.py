"""Amazon RDS."""

from moto.core.responses import ActionResult
from moto.rds import models
from moto.rds.models import DBInstanceClustered, RDSBackend
from moto.rds.responses import RDSResponse

from .mending import on

# Of Aurora PostgreSQL (Release Notes for Aurora PostgreSQL, versions 17). moto has no list of versions.
VERSIONS = ["17.4", "17.5", "17.6", "17.7", "17.9"]


@on(RDSResponse)
def describe_db_engine_versions(response):
    """moto does not have it (RDS API Reference, DescribeDBEngineVersions)."""
    engine, version = (response.params.get(name) for name in ("Engine", "EngineVersion"))
    shown = [
        {
            "Engine": engine,
            "EngineVersion": one,
            "DBParameterGroupFamily": f"{engine}{one.split('.')[0]}",
            "ValidUpgradeTarget": [
                {"Engine": engine, "EngineVersion": other, "IsMajorVersionUpgrade": False}
                for other in VERSIONS[VERSIONS.index(one) + 1 :]
            ],
        }
        for one in VERSIONS
        if version is None or one == version
    ]
    return ActionResult({"DBEngineVersions": shown})


# By what a call is told, where it is shown.
INSIGHTS = {
    "EnablePerformanceInsights": "performance_insights_enabled",
    "PerformanceInsightsKMSKeyId": "performance_insights_kms_key_id",
    "PerformanceInsightsRetentionPeriod": "performance_insights_retention_period",
}


def keeps_insights(name):
    """moto does not keep what a cluster is told of Performance Insights (RDS API Reference, DBCluster)."""
    plain = getattr(RDSBackend, name)

    def call(backend, kwargs):
        cluster = plain(backend, kwargs)
        for told, shown in INSIGHTS.items():
            if (value := kwargs.get(told)) is not None:
                setattr(cluster, shown, value)
        return cluster

    setattr(RDSBackend, name, call)


keeps_insights("create_db_cluster")
keeps_insights("modify_db_cluster")


def touching_windows_do_not_overlap():
    """moto counts two windows as overlapping where one begins as the other ends. Such windows do not overlap (Amazon RDS User
    Guide, "Backup window": it "can't overlap with the weekly maintenance window")."""
    plain = models.valid_preferred_maintenance_window

    def message(maintenance, backup):
        times = (maintenance or "").lower().replace("-", ":").split(":")
        if backup and len(times) == 6:
            begins, ends = ":".join(times[1:3]), ":".join(times[4:6])
            first, last = backup.split("-")
            if begins == last or ends == first:
                backup = None
        return plain(maintenance, backup)

    models.valid_preferred_maintenance_window = message


touching_windows_do_not_overlap()


def shows_insights(instance):
    """moto does not show what an instance is told of Performance Insights, nor what it has from its cluster (RDS API Reference,
    DBInstance, PerformanceInsightsEnabled; ModifyDBCluster, EnablePerformanceInsights)."""
    told = getattr(instance, "enable_performance_insights", None)
    return getattr(instance.cluster, "performance_insights_enabled", False) if told is None else told


DBInstanceClustered.performance_insights_enabled = property(shows_insights)

"""A Spark session on a project's SQLite catalog: the reference implementation of Iceberg as the counterpart.

A project's catalog is called `default` in its database, and Spark's JDBC catalog finds tables by its own name, so it has that name too."""

import os
import pathlib
import sys

os.environ["TZ"] = "UTC"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import ROOT  # noqa: E402

from pyspark.sql import SparkSession  # noqa: E402


def jars():
    """The Iceberg runtime and the SQLite driver, as Maven names them."""
    place = pathlib.Path(os.environ.get("MOULIN_SPARK_JARS") or pathlib.Path(os.environ.get("MOULIN_CACHE", ROOT / ".cache")) / "spark-jars")
    found = [sorted(place.glob(pattern)) for pattern in ("iceberg-spark-runtime-*.jar", "sqlite-jdbc-*.jar")]
    if not all(found):
        raise SystemExit(f"no iceberg-spark-runtime and sqlite-jdbc in {place} (CONTRIBUTING.md says where they come from)")
    return ",".join(str(paths[-1]) for paths in found)


class Session:
    def __init__(self, project):
        warehouse = pathlib.Path(project) / "warehouse"
        options = {"type": "jdbc", "uri": f"jdbc:sqlite:{warehouse}/catalog.db", "warehouse": f"file://{warehouse}",
                   "jdbc.schema-version": "V1", "cache-enabled": "false"}
        builder = SparkSession.builder.master("local[2]")
        settings = {"spark.jars": jars(), "spark.ui.enabled": "false", "spark.driver.memory": "1500m", "spark.driver.bindAddress": "127.0.0.1",
                    "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "2", "spark.sql.session.timeZone": "UTC",
                    "spark.sql.warehouse.dir": f"{project}/spark", "spark.log.level": "ERROR",
                    "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
                    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
                    "spark.sql.catalog.default": "org.apache.iceberg.spark.SparkCatalog"}
        settings |= {f"spark.sql.catalog.default.{key}": value for key, value in options.items()}
        for key, value in settings.items():
            builder = builder.config(key, value)
        self.spark = builder.getOrCreate()

    def rows(self, sql):
        return [row.asDict(recursive=True) for row in self.spark.sql(sql).collect()]

    def one(self, sql):
        return self.rows(sql)[0]

    def scanned_files(self, sql):
        """How many data files the plan of a query reads: what Iceberg's scan did not prune."""
        plan = self.spark.sql(sql)._jdf.queryExecution().executedPlan()
        leaves = plan.collectLeaves()
        files = 0
        for index in range(leaves.size()):
            for partition in self.java_list(leaves.apply(index).inputPartitions()):
                files += partition.taskGroup().tasks().size()
        return files

    @staticmethod
    def java_list(sequence):
        return [sequence.apply(index) for index in range(sequence.size())]

"""Words of the database that are needed without it: run types and the revision that the code expects."""

RUN_TYPES = ("scheduled", "manual", "backfill", "assets", "pipeline")
REVISION = "0002"

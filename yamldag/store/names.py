"""Words of the database that are needed without it: run types, roles, and the revision that the code expects."""

RUN_TYPES = ("scheduled", "manual", "backfill", "assets", "pipeline")
ROLES = ("viewer", "operator", "admin")
"""What a person or a token may do: each may do what those before it may."""
STORED = ("secret", "connection")
"""What a value is that the database keeps encrypted."""
REVISION = "0004"

"""The API for programs: one file a resource, each with its routes at its end."""

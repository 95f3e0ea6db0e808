"""The pages for people: one file a place, each with its routes at its end."""

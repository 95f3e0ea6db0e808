"""The plan: what every other room speaks about. Frozen values and pure functions."""

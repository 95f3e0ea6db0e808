"""When what runs: ticks, readiness, dispatch, recovery."""

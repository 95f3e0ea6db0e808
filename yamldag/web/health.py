"""How the scheduler is, as it says itself."""

from __future__ import annotations

from typing import Any

from yamldag import __version__
from yamldag.web.site import Site


def in_full(site: Site, now: float) -> dict[str, Any]:
    status = site.board.status
    return {
        "healthy": status.healthy(now),
        "version": __version__,
        "stopping": status.stopping,
        "since_last_turn_s": round(now - status.turned, 3),
        "up_s": round(now - status.began, 1),
        "running_tasks": status.running,
        "slots": status.slots,
        "schedulers": status.schedulers,
        "leads": status.leads,
        "waiting_runs": status.queued,
        "tick_lag_s": round(status.late, 3),
        "pipelines": len(status.pipelines),
        "broken_files": len(status.broken),
        "streams": len(site.hub),
    }

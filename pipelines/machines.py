"""What machines.yml makes of what was found."""

from __future__ import annotations

from typing import Any


def judge(machine: str, found: dict[str, dict[str, Any]], limits: dict[str, Any]) -> str:
    """The troubles of one machine, a line each; empty: all is well."""
    troubles = [
        f"{machine}: its {name} can't be looked at"
        for name, each in found.items()
        if each["state"] == "failed"
    ]
    used, each = _of(found, "disk", "used"), _of(found, "load", "each")
    days = _of(found, "certificate", "days")
    if used is not None and used > limits["disk"]:
        troubles.append(f"{machine}: {used} % of its disk are used")
    if each is not None and each > limits["load"]:
        troubles.append(f"{machine}: {each} processes for each processor")
    if days is not None and days < limits["days"]:
        troubles.append(
            f"{machine}: its certificate ends in {days} days"
            if days >= 0
            else f"{machine}: its certificate has ended"
        )
    print("\n".join(troubles) or f"{machine}: all is well")
    return "\n".join(troubles)


def _of(found: dict[str, dict[str, Any]], name: str, key: str) -> Any:
    output = found[name]["output"]
    return output[key] if output else None

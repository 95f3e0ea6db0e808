"""A small picture for each operator, drawn with a pen of one width on 16 × 16."""
# ruff: noqa: E501 -- a path is one word

from __future__ import annotations

ICONS: dict[str, str] = {
    "bash": "M2 3.5h12v9H2zM4.5 6.3 6.8 8l-2.3 1.8M8.3 10.3h3",
    "command": "M3.5 4.5 7 8l-3.5 3.5M8.5 11.5h4.5",
    "python": "M8 8H5.2A2.2 2.2 0 0 0 3 10.2v1.6h3v1.7h4V10M8 8h2.8A2.2 2.2 0 0 0 13 5.8V4.2h-3V2.5H6V6M7.6 4.2h.1M8.4 11.8h.1",
    "http": "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM2.2 8h11.6M8 2c2.2 2 2.8 4 2.8 6S10.2 12 8 14c-2.2-2-2.8-4-2.8-6S5.8 4 8 2z",
    "sql": "M3 4.2c0-1 2.2-1.8 5-1.8s5 .8 5 1.8-2.2 1.8-5 1.8-5-.8-5-1.8zM3 4.2v7.6c0 1 2.2 1.8 5 1.8s5-.8 5-1.8V4.2M3 8c0 1 2.2 1.8 5 1.8S13 9 13 8",
    "copy": "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
    "docker": "M2.5 5.2 8 2.3l5.5 2.9v5.6L8 13.7l-5.5-2.9zM2.5 5.2 8 8l5.5-2.8M8 8v5.7",
    "kubernetes": "M8 2l4.7 2.3 1.2 5.1-3.3 4.1H5.4L2.1 9.4l1.2-5.1zM8 5.2v5.6M5.3 6.5l5.4 3M10.7 6.5l-5.4 3",
    "ssh": "M6 8a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM6 8h8M11 8v2.5M13.5 8v2",
    "dbt": "M3 3l3.7 3.7M13 3 9.3 6.7M3 13l3.7-3.7M13 13 9.3 9.3M8 6.2 9.8 8 8 9.8 6.2 8z",
    "pipeline": "M2.2 8a1.8 1.8 0 1 0 3.6 0 1.8 1.8 0 0 0-3.6 0zM10.2 4a1.8 1.8 0 1 0 3.6 0 1.8 1.8 0 0 0-3.6 0zM10.2 12a1.8 1.8 0 1 0 3.6 0 1.8 1.8 0 0 0-3.6 0zM5.6 7.2l4.8-2.4M5.6 8.8l4.8 2.4",
    "wait": "M4.2 2h7.6M4.2 14h7.6M5 2v2.3L8 8l3-3.7V2M5 14v-2.3L8 8l3 3.7V14",
    "approval": "M8 7a2.4 2.4 0 1 0 0-4.8A2.4 2.4 0 0 0 8 7zM3 13.5c0-2.8 2-4.3 5-4.3M9.3 12l1.6 1.6 3-3.4",
    "branch": "M2.5 8H6c2 0 2-4.5 4-4.5h3.5M6 8c2 0 2 4.5 4 4.5h3.5M11.5 1.7l2 1.8-2 1.8M11.5 10.7l2 1.8-2 1.8",
    "short_circuit": "M2 8h3.5M10.5 8H14M5.5 4v8M10.5 4v8M6.8 8h2.4",
    "email": "M2.2 4h11.6v8.5H2.2zM2.2 4.5 8 9l5.8-4.5",
    "notify": "M4 11V7.2a4 4 0 0 1 8 0V11l1.2 1H2.8zM6.8 14h2.4",
    "airflow": "M8 8C8 5 9.5 3 13 3c0 3.5-2 5-5 5zM8 8c3 0 5 1.5 5 5-3.5 0-5-2-5-5zM8 8c0 3-1.5 5-5 5 0-3.5 2-5 5-5zM8 8C5 8 3 6.5 3 3c3.5 0 5 2 5 5z",
    "noop": "M8 3.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6z",
}
PLUGIN = "M5.5 2v3M10.5 2v3M3.5 5h9v2.5a4.5 4.5 0 0 1-9 0zM8 12v2.5"
"""A plug, for what a plug-in brings."""


def name(operator: str) -> str:
    """The name of the symbol: the operator's own, or the plug."""
    return operator if operator in ICONS else "plugin"


def symbol(operator: str) -> str:
    return f'<path class="pen" d="{ICONS.get(operator, PLUGIN)}"/>'

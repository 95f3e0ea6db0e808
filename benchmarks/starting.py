"""What a run costs before its first task starts: compiled, and with its plan kept from the last time."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import YAMLDAG, Sample, in_turn, once


def starting(folder: Path) -> str:
    (folder / "one.yml").write_text("pipeline: one\ntasks:\n  a: {bash: 'true'}\n")
    (folder / "big.yml").write_text(inputs.as_pipeline(inputs.layers(1_000, 50), 8))
    lines = [
        "\n## Starting\n",
        "Commands that compile their file, and the same with the plan of the last time.\n",
        "| command | compiled, CPU | wall | kept, CPU | wall |",
        "|---|---|---|---|---|",
    ]
    for name, more in (("one.yml", []), ("one.yml", ["--dry-run"]), ("big.yml", ["--dry-run"])):
        kept, compiled = _both(folder, [*YAMLDAG, "run", name, *more])
        figures = (compiled.cpu, compiled.wall, kept.cpu, kept.wall)
        cells = " | ".join(f"{each * 1000:.0f} ms" for each in figures)
        lines.append(f"| `{' '.join(['yamldag run', name, *more])}` | {cells} |")
    return "\n".join([*lines, "", "`one.yml` has one task, `big.yml` 1,000.", ""])


def _both(folder: Path, argv: list[str]) -> list[Sample]:
    place = folder / ".yamldag" / "compiled"

    def kept() -> Sample:
        while not (place.is_dir() and any(place.iterdir())):
            once(argv, str(folder))
        return once(argv, str(folder))

    def compiled() -> Sample:
        shutil.rmtree(place, ignore_errors=True)
        return once(argv, str(folder))

    return in_turn(9, kept, compiled)

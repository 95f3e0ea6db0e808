"""`yamldag validate` beside a bare reading of the YAML."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import YAMLDAG, Sample, in_turn, once

YARDSTICK = "import sys, yaml\nfor path in sys.argv[1:]: yaml.load(open(path), Loader=yaml.CSafeLoader)\n"


def checking(folder: Path) -> str:
    big, small, ten, many = (folder / name for name in ("big.yml", "small.yml", "ten.yml", "many"))
    big.write_text(inputs.tasks(10_000))
    small.write_text(inputs.tasks(1_000))
    ten.write_text(inputs.tasks(10))
    inputs.many(many, 1_000, 10)
    yard = folder / "yardstick.py"
    yard.write_text(YARDSTICK)

    def check(path: Path) -> Sample:
        return once([*YAMLDAG, "validate", str(path)], str(folder))

    def load(*paths: Path) -> Sample:
        return once([sys.executable, str(yard), *map(str, paths)], str(folder))

    def bare() -> Sample:
        return once([sys.executable, "-c", "pass"], str(folder))

    def help_() -> Sample:
        return once([*YAMLDAG, "--help"], str(folder))

    every = sorted(many.iterdir())
    large, yaml_large, thousand = in_turn(7, lambda: check(big), lambda: load(big), lambda: check(small))
    files, yaml_files = in_turn(7, lambda: check(many), lambda: load(*every))
    tiny, helped, nothing = in_turn(15, lambda: check(ten), help_, bare)
    rows = [
        ("one file, 10,000 tasks", large, "yaml.load, CSafeLoader", yaml_large),
        ("1,000 files of ten tasks", files, "yaml.load, CSafeLoader", yaml_files),
        ("one file, 10,000 tasks", large, "1,000 tasks", thousand),
        ("one file, ten tasks", tiny, "python -c pass", nothing),
        ("`yamldag --help`", helped, "python -c pass", nothing),
    ]
    lines = [
        "## Checking\n",
        "`yamldag validate` with every check of the language.\n",
        "| what | CPU | peak | beside | CPU | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for what, ours, beside, theirs in rows:
        lines.append(
            f"| {what} | {ours.cpu * 1000:.0f} ms | {ours.peak:.0f} MB | {beside} | {theirs.cpu * 1000:.0f} ms "
            f"| {ours.cpu / theirs.cpu:.2f} |"
        )
    return "\n".join(lines) + "\n"

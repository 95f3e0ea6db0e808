"""What the tests of the shelf ask of a project."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.cli.commands import Caller, Said
from yamldag.shelf.runs import Kept, Shelf

PROJECT = {
    "yamldag.yml": "vars: {day: monday}\npools: {db: 2}\ndefaults: {retries: 1}\n"
    "environments: {prod: {vars: {day: sunday}}}\n",
    "main.yml": "pipeline: main\ntimezone: Europe/Berlin\nschedule: '0 3 * * *'\ntasks:\n"
    "  a: {bash: 'echo {{ vars.day }}'}\n  b: {use: ./parts/part.yml}\n"
    "  c: {python: 'own:work'}\n  d: {python: 'json:dumps', args: {obj: 1}}\n"
    "  e: {matrix: {z: [1, 2], a: [3, 4]}, bash: 'true'}\n"
    "  f: {dbt: {command: build, project: ./shop, expand: models}, when: false}\n",
    "parts/part.yml": "template: part\ntasks: {x: {bash: 'true'}}\n",
    "shop/dbt_project.yml": "name: shop\n",
    "shop/macros/own.sql": "{% macro own() %}1{% endmacro %}\n",
    "shop/models/orders.sql": "select {{ own() }} as id\n",
    "shop/models/orders.yml": "models: [{name: orders, columns: [{name: id, tests: [unique]}]}]\n",
    "own.py": "def work():\n    return 1\n",
}


@dataclass
class Place:
    folder: Path
    yamldag: Caller
    environment: str | None = None

    def kept(self) -> Kept | None:
        """What is found for `main.yml` now."""
        shelf = self.shelf()
        return shelf.find()

    def shelf(self) -> Shelf:
        found = Shelf.of("main.yml", self.environment, os.environ)
        assert found is not None
        return found

    def dry_run(self) -> Said:
        chosen = ["--env", self.environment] if self.environment else []
        return self.yamldag("run", "main.yml", "--dry-run", "--json", *chosen)

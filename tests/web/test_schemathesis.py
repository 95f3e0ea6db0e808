"""The API under thousands of requests made of its own document: what it says is what it does, whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks

from tests.web.conftest import add_token, add_user, online
from tests.web.seeds import seed
from yamldag.web.api.openapi import document
from yamldag.web.routes import TABLE

load_all_checks()
SEEN = [0]
# 422: understood, and not to be done: a cursor that we did not give, a param that the pipeline has not.
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "422"]
CHECKS = {
    "positive_data_acceptance": {"expected-statuses": ACCEPTED},
}
CONFIG = schemathesis.Config.from_dict({"checks": CHECKS})
SCHEMA = schemathesis.openapi.from_dict(document(TABLE), config=CONFIG).exclude(
    path_regex="/log/follow$"  # it does not end
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address, and an admin's token."""
    seeded = seed(Path(tmp_path_factory.mktemp("api")))
    add_user(seeded, "somebody", "viewer")
    token = add_token(seeded, "admin", "admin")
    with online(seeded) as served:
        yield served.url, token
    print(f"\n{SEEN[0]} requests made of the document")


@SCHEMA.parametrize()
@settings(
    max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
)
def test_the_api_does_what_its_document_says(case: schemathesis.Case[Any], api: tuple[str, str]) -> None:
    url, token = api
    SEEN[0] += 1
    case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {token}"})

"""The validators of jsonschema, without a part of the library that takes half a second to load.

That part is the grammar behind `format: iri`. Import this module where a schema is asked, never at the start.
"""

from __future__ import annotations

import sys

_GRAMMAR = "rfc3987_syntax"

if _GRAMMAR in sys.modules:
    from jsonschema import Draft7Validator, Draft202012Validator
    from jsonschema.exceptions import best_match
else:
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # as if it were not installed
    from jsonschema import Draft7Validator, Draft202012Validator
    from jsonschema.exceptions import best_match

    del sys.modules[_GRAMMAR]

__all__ = ["Draft7Validator", "Draft202012Validator", "best_match"]

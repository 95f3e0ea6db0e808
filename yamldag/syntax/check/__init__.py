"""A tree against a JSON schema (draft-07), by closures that are compiled once and know the place at hand.

Beside draft-07's own words a schema may say

- `x-wanted`: words for what it takes ("a duration such as 30s or 1h30m")
- `x-code`: the code for a value of a wrong type, choice, form or range; `x-help`: what to do about it
- `x-longest`: of a duration, the longest that it takes, which is that of all durations
- `x-free`: true in a mapping whose keys beginning `x-` are not looked at
- `x-template`, for all below it too: true = texts are templates, false (as where nothing is said) = a
  template is replaced by its constant at once, "never" = neither; no key is ever a template
"""

from yamldag.syntax.check.compiler import compile_schema
from yamldag.syntax.check.part import Check, Checking

__all__ = ["Check", "Checking", "compile_schema"]

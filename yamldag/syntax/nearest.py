"""What a misspelt name was likely to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

_LARGE = 200
"""In a scope of more names than this, words one slip away are looked up, not compared with each name."""
_PATIENCE = 1_000_000
"""The work that one scope is worth, about half a second. To pass by a name counts 1."""
_COMPARISON = 16
"""What it counts to compare one."""


class Known:
    """The names of one scope. Each unknown word is sought once, and not without end: in a scope of 10,000
    names about a hundred words are, so that a file full of unknown names stays fast."""

    __slots__ = ("_answers", "_letters", "_lower", "_marked", "_patience", "names")

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        self._lower = {name.lower(): name for name in reversed(self.names)}
        self._answers: dict[str, str | None] = {}
        self._patience = _PATIENCE
        self._letters = ""
        self._marked: list[tuple[str, int]] = []

    def nearest(self, word: str) -> str | None:
        """The known name that `word` is likely to mean, or None."""
        if word not in self._answers:
            if self._patience <= 0:
                return None
            self._answers[word] = self._search(word.lower())
        return self._answers[word]

    def _search(self, word: str) -> str | None:
        if word in self._lower:
            return self._lower[word]
        if not self._marked:
            self._letters = "".join(sorted(set().union(*self._lower)))
            self._marked = [(name, _mark(name)) for name in sorted(self._lower)]
        if len(self.names) > _LARGE and len(word) >= 3:
            self._patience -= len(word) * len(self._letters)
            found = min((slip for slip in _slips(word, self._letters) if slip in self._lower), default=None)
            if found:
                return self._lower[found]
        best = self._scan(word)
        return self._lower[best] if best else None

    def _scan(self, word: str) -> str | None:
        """Compares the word with each name that has about as many letters and about the same."""
        self._patience -= len(self._marked)
        mark, best, most = _mark(word), None, len(word)
        for name, its_mark in self._marked:
            limit = min(most, max(len(word), len(name)) // 3)
            if abs(len(word) - len(name)) > limit or (mark ^ its_mark).bit_count() > 2 * limit:
                continue
            if self._patience <= 0:
                break
            self._patience -= _COMPARISON
            found = distance(word, name, limit)
            if found <= limit:
                best, most = name, found - 1
        return best


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` is likely to mean, or None. A third of the letters may differ; upper and
    lower case never do. For many words against one large scope keep a `Known`."""
    return Known(known).nearest(word)


OTHER_TOOLS = {
    "dag_id": "pipeline", "name": "description", "start_date": "start", "end_date": "end",
    "schedule_interval": "schedule", "on": "schedule", "cron": "schedule", "jobs": "tasks", "steps": "tasks",
    "depends_on": "needs", "depends": "needs", "dependencies": "needs", "upstream": "needs", "after": "needs",
    "if": "when", "condition": "when", "for_each": "foreach", "loop": "foreach", "with_items": "foreach",
    "strategy": "matrix", "continue-on-error": "allow_failure", "retry": "retries", "shell": "bash",
    "script": "bash", "cmd": "bash", "run": "bash", "runs-on": "queue", "execution_timeout": "timeout",
    "timeout-minutes": "timeout", "retry_exponential_backoff": "retry_backoff", "workdir": "working_dir",
    "cwd": "working_dir", "dagrun_timeout": "timeout", "default_args": "defaults",
    "depends_on_previous": "depends_on_past", "xcom": "output", "outlets": "produces", "sla": "deadline",
    "variables": "vars", "environment": "env", "env_vars": "env", "doc": "description", "doc_md": "description",
    "concurrency": "max_active_tasks", "max_active_tis_per_dag": "max_active",
    "max_active_tis_per_dagrun": "max_active", "max-parallel": "max_active", "expand": "foreach",
    "max_retries": "retries", "retry_count": "retries", "priority_weight": "priority",
    "working-directory": "working_dir", "template": "use", "dummy": "noop", "empty": "noop",
    "python_callable": "python", "bash_command": "bash", "slack": "notify", "sensor": "wait", "kwargs": "args",
    "op_kwargs": "args", "on_failure_callback": "on_failure", "on_retry_callback": "on_retry",
    "on_success_callback": "on_success", "conn_id": "connection", "tz": "timezone", "endpoint": "path",
    "trigger_dag_id": "id", "sql": "query", "data": "body", "payload": "body", "recipients": "to", "conf": "with",
    "trigger_dag": "pipeline", "interval": "every", "path": "file", "filepath": "file",
}  # fmt: skip
"""What other tools call a key of ours."""


def likely(word: str, known: Known) -> str | None:
    """The known key that is likely to be meant: another tool's word for it, or the nearest."""
    other = OTHER_TOOLS.get(word)
    return other if other in known.names else known.nearest(word)


def distance(one: str, two: str, limit: int) -> int:
    """How many letters to add, drop, replace or swap with their neighbour lead from one word to the other;
    any number beyond `limit` if there are more."""
    one, two = _without_common_ends(one, two)
    if not one or not two:
        return len(one) + len(two)
    beyond, width = limit + 1, len(two)
    before: list[int] = []
    above = list(range(width + 1))
    last = ""
    for i, letter in enumerate(one, 1):
        row = [beyond] * (width + 1)
        row[0] = i
        for j in range(max(1, i - limit), min(width, i + limit) + 1):
            if letter == two[j - 1]:
                row[j] = above[j - 1]
                continue
            row[j] = 1 + min(row[j - 1], above[j - 1], above[j])
            if before and j > 1 and letter == two[j - 2] and last == two[j - 1]:
                row[j] = min(row[j], before[j - 2] + 1)
        if min(row) > limit:
            return beyond
        before, above, last = above, row, letter
    return above[width]


def _without_common_ends(one: str, two: str) -> tuple[str, str]:
    first, shorter = 0, min(len(one), len(two))
    while first < shorter and one[first] == two[first]:
        first += 1
    last = 0
    while last < shorter - first and one[-1 - last] == two[-1 - last]:
        last += 1
    return one[first : len(one) - last], two[first : len(two) - last]


def _mark(word: str) -> int:
    """Which letters a word has, as bits: one change of a letter changes two of them at most."""
    mark = 0
    for letter in word:
        mark |= 1 << (ord(letter) & 63)
    return mark


def _slips(word: str, letters: str) -> Iterator[str]:
    """All that a word can be when one letter is added, dropped, replaced, or swapped with its neighbour."""
    halves = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    for (left, right), (_, rest) in pairwise(halves):
        yield left + rest
        yield left + rest[:1] + right[0] + rest[1:]
        for letter in letters:
            yield left + letter + rest
            yield left + letter + right
    for letter in letters:
        yield word + letter

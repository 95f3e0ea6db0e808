"""The words that templates know. Plain data: analysis needs them before Jinja is imported."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


JINJA_FILTERS = _words(
    "abs batch capitalize center count d default dictsort e escape filesizeformat first float "
    "format groupby indent int items join last length list lower map max min random reject "
    "rejectattr replace reverse round select selectattr slice sort string sum title trim truncate "
    "unique upper urlencode wordcount"
)
OWN_FILTERS = _words("sh raw ds ts date add_days tojson")
FILTERS = JINJA_FILTERS | OWN_FILTERS

TESTS = _words(
    "odd even divisibleby defined undefined none boolean false true integer float lower upper "
    "string mapping number sequence iterable sameas in == eq equalto != ne > gt greaterthan >= ge "
    "< lt lessthan <= le"
)

FUNCTIONS = frozenset({"range", "dict"})

TEXT_METHODS = _words(
    "capitalize casefold center count endswith expandtabs find format index isalnum isalpha "
    "isascii isdecimal isdigit isidentifier islower isnumeric isspace istitle isupper join ljust "
    "lower lstrip partition removeprefix removesuffix replace rfind rindex rjust rpartition "
    "rsplit rstrip split splitlines startswith strip swapcase title upper zfill"
)
LIST_METHODS = frozenset({"count", "index"})
DATE_METHODS = _words("date isoformat isoweekday replace strftime time timestamp weekday")
DATE_FIELDS = _words("year month day hour minute second microsecond")
SPAN_METHODS = frozenset({"total_seconds"})
SPAN_FIELDS = frozenset({"days", "seconds"})
LOOP_METHODS = frozenset({"cycle", "changed"})
LOOP_FIELDS = _words("index index0 revindex revindex0 first last length depth depth0 previtem nextitem")
METHODS = TEXT_METHODS | LIST_METHODS | DATE_METHODS | SPAN_METHODS | LOOP_METHODS

FORBIDDEN = _words("include import from extends block macro call autoescape print")
"""Statements that a template may not use."""

STATEMENTS = _words("if for set with filter raw")

CONSTANTS = _words("true false none True False None")
RESERVED = CONSTANTS | _words("and or not in is if else")
"""Words that are no names of the context."""

KINDS = {
    **dict.fromkeys(_words("ds ds_nodash ts ts_nodash run_id"), "string"),
    **dict.fromkeys(_words("index attempt"), "number"),
}
"""JSON type of a name of the context that never has another."""

FILTER_KINDS = {
    **dict.fromkeys(
        _words(
            "capitalize center e escape filesizeformat format indent join lower replace string title trim "
            "truncate upper urlencode sh raw ds ts date tojson"
        ),
        "string",
    ),
    **dict.fromkeys(_words("count length float int round wordcount"), "number"),
    **dict.fromkeys(
        _words("batch dictsort groupby items list map reject rejectattr select selectattr slice sort unique"),
        "array",
    ),
}
"""JSON type of what a filter gives, where it never gives another."""

ROOTS = frozenset(
    {
        *("params", "vars", "env", "secrets", "connections", "tasks", "uses"),
        *("item", "index", "matrix"),
        *("run", "task", "attempt"),
        *("ds", "ds_nodash", "ts", "ts_nodash", "run_id"),
        *("logical_date", "data_interval_start", "data_interval_end"),
    }
)
"""Every name that a template can begin with."""

RUN_KEYS = frozenset(
    {
        *("id", "pipeline", "type", "dir", "url", "assets"),
        *("logical_date", "data_interval_start", "data_interval_end"),
    }
)
"""Keys of `run`."""

TASK_KEYS = frozenset({"id"})
"""Keys of `task`."""

NOTICE_RUN_KEYS = RUN_KEYS | {"state", "failed", "notices"}
NOTICE_TASK_KEYS = TASK_KEYS | {"state", "error"}
"""Keys of `run` and `task` in a notification."""

MAPPED = frozenset({"item", "index", "matrix"})
"""Names that stand for something inside a mapped task alone."""

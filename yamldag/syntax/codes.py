"""Every code that a diagnostic can have. A code is never used again for something else."""

from typing import NamedTuple


class Code(NamedTuple):
    """`summary` completes the sentence "this is reported when …"."""

    code: str
    name: str
    severity: str
    summary: str


_TABLE = (
    # YD1xx: YAML
    ("YD101", "yaml-syntax", "error", "the text is not YAML"),
    ("YD102", "duplicate-key", "error", "a mapping holds the same key twice"),
    ("YD103", "unreadable-text", "error", "the file holds bytes or characters that YAML text can't hold"),
    ("YD104", "unknown-tag", "error", "a value carries a tag; pipelines use none"),
    ("YD105", "too-large", "error", "a file, a scalar or a document is beyond what is read"),
    ("YD106", "too-deep", "error", "mappings and lists are nested deeper than 100"),
    ("YD107", "alias-bomb", "error", "aliases expand without end or beyond the bound"),
    ("YD108", "unknown-alias", "error", "an alias has no anchor before it"),
    ("YD109", "bad-merge", "error", "`<<` stands before something that is no mapping"),
    ("YD110", "bad-number", "error", "a number can't be kept: beyond 64 bits, infinite, or not a number"),
    ("YD111", "bad-key", "error", "a key is not text, often an unquoted template"),
    ("YD112", "not-a-pipeline", "error", "a document has neither `pipeline:` nor `template:`"),
    ("YD113", "unreadable-file", "error", "a file can't be opened"),
    # YD2xx: references and names
    ("YD201", "bad-id", "error", "an id is not made of letters, digits, `_` and `-`, or is reserved"),
    ("YD202", "duplicate-id", "error", "two pipelines, or two templates of a file, have the same id"),
    ("YD203", "unknown-task", "error", "a task is named that does not exist"),
    ("YD204", "unknown-param", "error", "a template uses a param that is not declared"),
    ("YD205", "unknown-var", "error", "a template uses a var that no file declares"),
    ("YD206", "unknown-output", "error", "a template uses a key that the task's output does not have"),
    ("YD207", "unknown-template", "error", "`use` names a template that is not there"),
    ("YD208", "unknown-name", "error", "a template uses a name that does not exist"),
    ("YD209", "unknown-secret", "error", "a secret is used that the project file does not declare"),
    ("YD210", "unknown-connection", "error", "a connection is used that the project file does not declare"),
    (
        "YD211",
        "env-not-allowed",
        "error",
        "a template reads an environment variable that is not allow-listed",
    ),
    ("YD212", "unknown-asset", "warning", "an asset is awaited that no pipeline of the project produces"),
    ("YD213", "unknown-pipeline", "error", "a pipeline is called that is not in the project"),
    ("YD214", "misplaced-reference", "error", "a task, or a secret, is named where none can be known"),
    ("YD215", "unknown-attribute", "error", "a template uses a key that a built-in name does not have"),
    # YD3xx: graph
    ("YD301", "cycle", "error", "tasks wait for each other in a circle"),
    ("YD302", "use-ring", "error", "templates use each other in a circle"),
    ("YD303", "nested-foreach", "error", "`foreach` stands within `foreach`"),
    ("YD304", "bad-teardown", "error", "`teardown_of` names a task that is no setup"),
    ("YD305", "call-ring", "error", "pipelines call each other in a circle"),
    ("YD307", "no-tasks", "error", "a pipeline, template or group has no task"),
    ("YD308", "needs-itself", "error", "a task needs itself, or a group that it is part of"),
    # YD4xx: schema and types
    ("YD401", "unknown-key", "error", "a key is not known here"),
    ("YD402", "missing-key", "error", "a key that must be there is not"),
    ("YD403", "wrong-type", "error", "a value has another type than the one wanted"),
    ("YD404", "not-a-choice", "error", "a value is not one of those allowed"),
    ("YD405", "out-of-range", "error", "a number, a length or a count is beyond its bounds"),
    ("YD406", "bad-format", "error", "a text has not the form wanted"),
    ("YD407", "bad-duration", "error", "a duration is not one, such as `5m`; a bare number has no unit"),
    ("YD408", "bad-date", "error", "a date or time does not exist or can't be read"),
    ("YD409", "bad-default", "error", "a param's default does not fit the param's own schema"),
    ("YD410", "bad-schema", "error", "the JSON Schema of a param or an output is not one"),
    ("YD411", "conflicting-keys", "error", "two keys can't stand side by side"),
    ("YD412", "no-operator", "error", "a task has no operator key"),
    ("YD413", "two-operators", "error", "a task has more than one operator key"),
    ("YD414", "required-param", "error", "a scheduled pipeline has a param without a default"),
    ("YD415", "unknown-argument", "error", "`with` gives something that is not declared there"),
    ("YD416", "missing-argument", "error", "`with` lacks a param that has no default"),
    ("YD417", "bad-argument", "error", "a value in `with` does not fit the param's schema"),
    ("YD418", "misplaced-key", "error", "a key stands beside something that it has no meaning for"),
    ("YD419", "too-many-slots", "warning", "a task wants more slots than its pool has"),
    # YD5xx: templates
    ("YD501", "template-syntax", "error", "a template does not parse"),
    ("YD502", "unknown-filter", "error", "a template uses a filter that does not exist"),
    ("YD503", "unknown-test", "error", "a template uses a test or a function that does not exist"),
    ("YD504", "forbidden-statement", "error", "a template uses include, import, extends or macro"),
    ("YD505", "no-template-here", "error", "`{{` stands where no template is rendered"),
    ("YD506", "bad-condition", "error", "a condition is not an expression, or never true or false"),
    ("YD507", "unsafe-shell", "error", "a value would go into the shell unquoted and change what it means"),
    ("YD508", "sh-in-quotes", "error", "`| sh` stands inside quotes, which its own quotes would close"),
    ("YD509", "no-item-here", "error", "`item`, `index` or `matrix` stands outside a mapped task"),
    # YD6xx: schedules
    ("YD601", "bad-cron", "error", "a cron line can't be read"),
    ("YD602", "never-fires", "error", "a schedule can never fire"),
    ("YD603", "unknown-timezone", "error", "a time zone is not in the IANA database"),
    ("YD604", "bad-schedule", "error", "a schedule is none of the forms that exist"),
    ("YD605", "end-before-start", "error", "the last tick lies before the first"),
    # YD7xx: operators
    ("YD701", "unknown-module", "error", "a Python module is neither beside the file nor importable"),
    ("YD702", "unknown-function", "error", "a Python module does not define the function"),
    ("YD703", "wrong-arguments", "error", "`args` do not fit the function's parameters"),
    ("YD704", "bad-python", "error", "a Python module or script does not parse"),
    ("YD705", "missing-file", "error", "a file that an operator needs is not there"),
    ("YD707", "bad-operator", "error", "an operator's parameters do not go together"),
    (
        "YD708",
        "broken-plugin",
        "error",
        "the plug-in that brings an operator can't be loaded or describes itself wrongly",
    ),
    (
        "YD709",
        "unknown-model",
        "error",
        "a dbt project refers to, or a task selects, what is not in the project",
    ),
    ("YD710", "dbt-unread", "error", "what a dbt project says can't be told without running dbt"),
    ("YD711", "no-notification", "error", "a notification calls an operator that none can call"),
    # YD8xx: lint
    ("YD801", "unused-param", "warning", "a param is declared and never used"),
    ("YD802", "unused-ignore", "warning", "a `yamldag: ignore[…]` comment silences nothing"),
    ("YD803", "redundant-needs", "warning", "a need is already implied by another"),
    (
        "YD804",
        "both-days",
        "warning",
        "a cron line sets both day of month and day of week, and fires on either",
    ),
    ("YD805", "unused-var", "warning", "a var is declared and never used"),
    ("YD806", "no-retries", "warning", "a task that reaches over the network has no retries"),
    ("YD807", "no-timeout", "warning", "neither the task nor its run has a timeout"),
    ("YD808", "truncated-log", "warning", "a script opens its own log anew, and what stood in it is gone"),
    ("YD809", "plugin-advice", "warning", "a plug-in of the project's has something to say"),
    ("YD810", "no-connection", "warning", "a task reaches nothing without a connection, and names none"),
    ("YD811", "pasted-query", "warning", "a text from outside becomes part of a query"),
)

CODES: dict[str, Code] = {row[0]: Code(*row) for row in _TABLE}

"""Fuzz the compiler: `python tests/fuzz/fuzz_compile.py [libFuzzer options] [folders]`, for a minute."""

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
SEEDS = (CORPUS, ROOT / "tests" / "golden" / "err", ROOT / "tests" / "golden" / "ok")
DEFAULTS = ("-max_total_time=60", "-max_len=4096", "-timeout=5", "-rss_limit_mb=800", "-print_final_stats=1")


def words() -> list[str]:
    """What a mutation is likely to need: the language's keys, and the signs of YAML and of templates."""
    schemas = (json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "schemas").rglob("*.json"))
    keys = {key for schema in schemas for key in _keys(schema)}
    signs = [
        "{{ ",
        " }}",
        "{% if ",
        "{% endif %}",
        "tasks.",
        ".output",
        "params.",
        "vars.",
        "item",
        "\n---\n",
    ]
    return [
        *sorted(keys),
        *signs,
        ": ",
        "\n  ",
        "- ",
        "<<: *a",
        "&a ",
        "template: t",
        "use: t",
        "| sh",
        "@daily",
    ]


def _keys(schema: object) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_keys, schema))
    if not isinstance(schema, dict):
        return set()
    own = schema.get("properties")
    return set(own if isinstance(own, dict) else ()).union(*map(_keys, schema.values()))


def write_dictionary(folder: Path) -> Path:
    """In libFuzzer's form: one quoted word in a line."""
    path = folder / "words.dict"
    lines = [word.encode("unicode_escape").decode().replace("\\n", "\\x0a") for word in words()]
    path.write_text("\n".join(f'"{line}"' for line in lines) + "\n", encoding="ascii")
    return path


def main() -> None:
    try:
        atheris = import_module("atheris")
    except ImportError:
        sys.exit("fuzzing needs atheris: pip install 'yamldag[fuzz]'")
    sys.path.insert(0, str(ROOT))
    with atheris.instrument_imports(include=["yamldag"]):
        passes = import_module("tests.fuzz.passes")
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as aside:
        given = any(not word.startswith("-") for word in sys.argv[1:])
        folders = [] if given else [scratch, *map(str, SEEDS)]  # libFuzzer writes to the first
        options = [
            f"-dict={write_dictionary(Path(aside))}",
            f"-artifact_prefix={tempfile.gettempdir()}/yamldag-",
        ]
        atheris.Setup([sys.argv[0], *DEFAULTS, *options, *sys.argv[1:], *folders], passes.one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

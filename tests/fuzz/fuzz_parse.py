"""Fuzz what reads files: `python tests/fuzz/fuzz_parse.py [libFuzzer options] [folders]`, for a minute."""

import sys
import tempfile
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
DEFAULTS = ("-max_total_time=60", "-max_len=4096", "-timeout=2", "-rss_limit_mb=600", "-print_final_stats=1")


def main() -> None:
    try:
        atheris = import_module("atheris")
    except ImportError:
        sys.exit("fuzzing needs atheris: pip install 'yamldag[fuzz]'")
    sys.path.insert(0, str(ROOT))
    with atheris.instrument_imports(include=["yamldag"]):
        passes = import_module("tests.fuzz.passes")
    with tempfile.TemporaryDirectory() as scratch:
        given = any(not word.startswith("-") for word in sys.argv[1:])
        folders = [] if given else [scratch, str(CORPUS)]  # libFuzzer writes to the first
        prefix = f"-artifact_prefix={tempfile.gettempdir()}/yamldag-"
        atheris.Setup([sys.argv[0], *DEFAULTS, prefix, *sys.argv[1:], *folders], passes.one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

"""A scheduler that is there to be killed: starts what a file says, tells that it has, and waits.

    python scheduler.py STATE STARTS [frozen]

`frozen`: its runner is stopped before anything is sent, so that all of it is still on its way at the kill.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from yamldag.executors.contract import Start
from yamldag.executors.local import journal
from yamldag.executors.local.executor import LocalExecutor


def main(state: str, starts: str, *options: str) -> None:
    executor = LocalExecutor(Path(state))
    if "frozen" in options:
        path = Path(state) / f"{executor.id}.0.journal"
        while not (runner := journal.read(path).runner):
            pass
        os.kill(runner, signal.SIGSTOP)
    executor.start([Start(**fields) for fields in json.loads(Path(starts).read_text())])
    print(executor.id, flush=True)
    while True:
        executor.receive(None)  # and never says that it has stored them


if __name__ == "__main__":
    main(*sys.argv[1:])

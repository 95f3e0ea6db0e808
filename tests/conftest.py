"""What all tests share: machines are slow at times, so no example has a deadline; and a plug-in is installed."""

import signal
import sys
from pathlib import Path

from hypothesis import settings

from tests.databases import database_servers, database_url, server_url

__all__ = ["database_servers", "database_url", "server_url"]

settings.register_profile("house", deadline=None)
settings.load_profile("house")
sys.path.append(str(Path(__file__).parent / "golden" / "plugins"))
# What is begun in the background of a script ignores Ctrl-C, and so would all that the tests begin.
for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

"""What all tests share: machines are slow at times, so no example has a deadline; and a plug-in is installed."""

import sys
from pathlib import Path

from hypothesis import settings

from tests.databases import database_servers, database_url, server_url

__all__ = ["database_servers", "database_url", "server_url"]

settings.register_profile("house", deadline=None)
settings.load_profile("house")
sys.path.append(str(Path(__file__).parent / "golden" / "plugins"))

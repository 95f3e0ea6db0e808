"""Talks to a warehouse."""

import warehouse_client_that_nobody_has

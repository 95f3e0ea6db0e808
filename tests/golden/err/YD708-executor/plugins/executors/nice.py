"""Has no `run`."""

from no_such_package import things

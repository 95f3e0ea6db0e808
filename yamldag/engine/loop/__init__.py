"""The step made real: what it stores is stored, what it starts is started, and what comes of that is heard."""

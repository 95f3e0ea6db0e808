"""The pure step: from what has happened, and the time, to what is stored and what is asked of the executor."""

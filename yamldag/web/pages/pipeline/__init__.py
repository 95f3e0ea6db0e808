"""The page of a pipeline: seven tabs, each with an address of its own."""

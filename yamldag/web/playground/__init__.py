"""The compiler on a text that somebody types: in a process of its own that reads no file and may be ended."""

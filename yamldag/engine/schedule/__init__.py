"""Which runs there are to be: from files, ticks and assets."""

"""Text, places, diagnostics: what a file says and where it says it."""

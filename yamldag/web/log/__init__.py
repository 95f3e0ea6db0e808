"""Logs of any length as pages show them: by windows of lines, with their colours, searched as a whole."""

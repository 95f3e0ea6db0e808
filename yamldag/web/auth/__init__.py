"""Who asks: passwords, sessions, tokens, roles."""

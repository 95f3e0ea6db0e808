"""Every state in SQL."""

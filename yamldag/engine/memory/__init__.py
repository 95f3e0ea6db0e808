"""A run in memory: its tasks, their instances, and what each still waits for."""

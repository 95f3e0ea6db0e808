"""Diagnostics for people and for machines: as text, JSON, SARIF, GitHub annotations and JUnit XML."""

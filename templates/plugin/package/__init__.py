"""Operators for yamldag."""

"""Stands in for the web APIs that the examples read, on loopback: their true shapes, and their bad days."""

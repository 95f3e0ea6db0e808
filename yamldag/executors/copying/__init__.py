"""Carries out `copy`: files, object stores, servers and tables, streamed from one to the other."""

"""The tools of those who write pipelines."""

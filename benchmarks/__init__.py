"""Measured side by side: every figure is a ratio to something that ran in the same minutes on the same machine."""

"""Tasks as processes of this machine, watched by a process of their own that outlives the scheduler.

Empty on purpose: a runner that begins as a new interpreter has the standard library alone.
"""

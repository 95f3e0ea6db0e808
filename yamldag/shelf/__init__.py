"""What was compiled before, kept in the project's state folder: who finds it here need not compile.

Everything that a result depends on is part of its key, or looked at again before the result is used. Whatever is not as
it was, can't be read, or isn't ours, is a miss.
"""

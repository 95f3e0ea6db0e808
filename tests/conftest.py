"""What all tests share: machines are slow at times, so no example has a deadline."""

from hypothesis import settings

settings.register_profile("house", deadline=None)
settings.load_profile("house")

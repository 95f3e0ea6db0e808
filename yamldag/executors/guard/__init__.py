"""Where tasks run that may see a secret: it is looked up, put in, and masked in all that they write."""

"""The kinds of databases: one file each, all that differs between them."""

"""One file per operator, and the catalog that knows them all."""

"""Where Alembic starts: the caller has opened the connection, and its transaction."""

from alembic import context

from yamldag.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()

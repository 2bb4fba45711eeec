"""What alembic runs to migrate: the connection comes from `outdial.store.upgrade`, which also commits."""

from alembic import context

from outdial.store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()

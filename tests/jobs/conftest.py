"""One engine per parameter, as the storage tests have it."""

from tests.store.conftest import anyio_backend, engine, postgres_dsn

__all__ = ["anyio_backend", "engine", "postgres_dsn"]

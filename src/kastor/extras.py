"""Libraries that only some people need, by the name of their extra in pyproject.toml."""

from __future__ import annotations


def install_extra(extra: str) -> str:
    """Return how whoever runs Kastor installs an extra, as the end of a message.

    There is no release to install yet: Kastor comes from a clone of its repository.
    """
    return f"in the clone of Kastor, run pip install '.[{extra}]' and start it again"

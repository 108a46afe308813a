"""What statements call the functions that change letters, where an engine has none of its own."""

from __future__ import annotations

LOWER, UPPER = "kastor_lower", "kastor_upper"

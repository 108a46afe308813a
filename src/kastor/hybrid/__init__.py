"""Hybrid search: twins by words and by meaning, in one order."""

"""Lets the tests of this folder import their helpers."""

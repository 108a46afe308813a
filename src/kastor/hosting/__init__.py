"""Graphs, ready to serve: their services, which are open, how one is made, started and stopped."""

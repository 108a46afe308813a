"""Puts a stream of models, twins and relationships into any server.

A `Loader` takes the stream. `models` finds the order of models; `writing` writes in batches or one
by one, whatever the other side has; `unsure` finds out what became of a write without an answer.
"""

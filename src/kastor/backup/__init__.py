"""Backups: every graph of a server as files that no engine is needed to read.

`manifest` and `lines` are the format; `writing` makes it of a graph, `reading` checks it and gives
the graph back; `folder` and `tar` are the two forms that a backup comes in.
"""

"""Storage engines behind one protocol.

`protocol` says what an engine does; `sqlite/` is the embedded engine, one file per graph.
Only here and in `kastor.query.sql` stands SQL.
"""

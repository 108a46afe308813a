"""The embedded engine: one SQLite file per graph, through apsw's own SQLite.

In the order data passes: `store` takes reads and writes; `writer` is the one thread that
commits in groups; `unit` loads and applies inside its transaction with `statements`;
`reads` answers point reads; `pool` runs what may scan; `retention` removes what is old;
`connection`, `schema` and `folder` open files.
"""

"""The PostgreSQL engine: one schema per graph, any number of Kastor processes on it.

In the order data passes: `store` takes reads and writes; `writes` decides and repeats lost races,
`units` are the statements of one change, `models` keeps the catalog; `reads` answers point reads;
`queries` runs what may scan; `retention` removes what is old; `connections` is the pool, `faults`
says what a driver's error means; `schema` makes and migrates; `statements` holds the texts.
"""

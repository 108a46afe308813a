"""Plan to SQL text and parameters; everything that differs between engines is in a dialect.

- `paths`: the text of a path, one function for queries and for indexes
- `parameters`: values on their way into a statement; client text travels only here
- `tables`: where a statement reads from, the graph now or another view of it
- `dialect`: what an engine must say; `sqlite`, `postgres` say it
- `predicates`, `values`: conditions and values
- `traverse`: sources and hops to FROM, unrolled or recursive
- `rows`: the JSON text of a row
- `statement`: the whole statement, with order, position and page
"""

"""Plan to SQL text and parameters; everything that differs between engines is in a dialect.

- `paths`: the text of a path, one function for queries and for indexes
- `parameters`: values on their way into a statement; client text travels only here
- `tables`: where a statement reads from, the graph now or another view of it
- `dialect`: what an engine must say; `sqlite`, `postgres` say it
- `predicates`, `values`: conditions and values
- `itinerary`: where a walk through the graph begins, and which hop comes next
- `leading`: what leads the order, so that it follows an index
- `traverse`: sources and hops to FROM, unrolled; `recursion`: walked
- `clauses`: one graph with its condition; `grouped`: GROUP BY and aggregates over it
- `ordering`: keys of the order, and the position of a page
- `rows`: the JSON text of a row
- `statement`: the whole statement, with order, position and page
"""

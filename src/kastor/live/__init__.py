"""Live queries: the rows of a query, and then what becomes of them as the graph changes.

`plan` decides how a query can be followed, `diff` what a client has to be told, `tail` which twins
and relationships changed; `service` runs them against one graph.
"""

"""HTTP: the wire contract and Kastor's own additions.

In the order a request passes: `app` (ASGI, access, dispatch), `matcher` (raw path ->
operation), `operations` (the one table of operations), `request` (headers, query, body),
the handlers (`models`, `twins`, `relationships`, `query`, `extras`), `problem` (errors ->
answers). `openapi` describes the table; `paging` makes links; `legacy` shapes old versions.
"""

"""HTTP: the wire contract and Kastor's own additions.

In the order a request passes: `app` (ASGI, access, dispatch), `http.matcher` (raw path ->
operation), `operations` (the one table of operations, joined of the rows beside the handlers),
`http.request` (headers, query, body), the handlers (`contract`, `own`), `http.problem` (errors ->
answers). `description.openapi` describes the table; `http.paging` makes links; `contract.legacy`
shapes old versions.
"""

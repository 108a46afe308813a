"""From query tree to rows: bind -> plan -> passes -> sql -> page.

In the order in which a query passes them:

- `models`, `settings`: what the compiler is told from outside
- `given`: values for the parameters of a query
- `notes`: what binding notes beside the plan: warnings, parameters that decide
- `bind`: names, kinds and limits are checked; the tree becomes a typed, self-contained plan
- `plan`: the plan's nodes
- `passes`: rewrites from plan to plan
- `sql`: plan to SQL text and parameters, for a dialect
- `token`: the signed position from which the next page goes on
- `run`: all of it together, for pages, EXPLAIN and live queries alike; the only part that does I/O,
  through its `Reader`
- `service`: what a client asks: a text or a token, and what it is answered
"""

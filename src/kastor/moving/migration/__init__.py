"""Moves a graph from one server to another and verifies it, while the source is written to.

`migrator` leads: models (`models`), then rounds (`rounds`) that compare the source in full with the
`state`, write what differs (`page`) and delete what is gone (`gone`), then `verification` of every
document on both sides, then event routes (`routes`). The state is a file, so that a migration goes
on after any end; `rehearsal` tries it first.
"""

"""Writes many twins and relationships to any server, with conditions, and says what came of each.

`operations` has the forms, `writer` sends them: in batches where the other side has them, else one
by one, many at once; `pace` is how fast.
"""

"""Writes many twins and relationships with conditions, and says what came of each.

`operations` has the forms, `writer` sends them: in batches where the other side has them, else one
by one, many at once, those of one twin spread over time (`spread`). How many at once a server
bears is for `kastor.moving.loading.patience`.
"""

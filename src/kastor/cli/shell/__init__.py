"""The interactive shell: `kastor shell`, and what `kastor query` shares with it.

- `lexing`: a text that is not finished yet, as tokens of `kastor.lang`; `highlight` colours it
- `declared`, `graph_names`, `gathering`: the names of a graph, read in the background
- `completion`, `places`: what goes where the cursor is
- `question`, `answers`, `explained`, `faults`: a query's way to rows, or to words
- `following`, `watching`: what becomes of the rows of a live query
- `session`, `commands`, `descriptions`: what is typed, and what is done about it
- `prompt`, `pager`, `history`: the terminal
"""

"""The interactive shell: `kastor shell`, and what `kastor query` shares with it.

- `lexing`: a text that is not finished yet, as tokens of `kastor.lang`
- `graph_names`: what there is to complete; `completion`, `places`: what goes where the cursor is
- `question`, `faults`, `explained`, `watching`: a query's way to rows, or to words
- `session`, `commands`: what is typed, and what is done about it; knows no terminal
- `prompt`, `pager`, `history`: the terminal
"""

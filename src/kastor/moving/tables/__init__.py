"""Tables in and out: CSV, Excel and Parquet as twins and relationships (docs/reference/tables.md).

`source.open_table` makes a source of a file, whose `check` reads all of it before anything is
sent; `template.write_template` makes an empty table for a model, `writing` one of twins.

A file passes through a reader (`csv_reader`, `excel_reader`, `parquet_reader`), which knows cells
alone, and `assembling`, which makes items of them by a rule: that of a `mapping_file`, of
`convention`, or of the layout of ADT Explorer. `schema_values` and `cell_values` type what stands
in cells; nothing there is guessed.
"""

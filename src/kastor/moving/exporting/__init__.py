"""Reads a graph out of any server, as Kastor's own export is written (decisions 5 "Export").

`reading` asks by the contract; `sorting` puts what comes in any order into the file's, in bounded
memory; `forms` makes the lines; `graph_export` is the whole of it.
"""

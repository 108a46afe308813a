"""Imports: a file of NDJSON becomes models, twins and relationships (jobs 4.2 to 4.4).

::

    bytes -> unpacking -> lines -> reading (sections, documents, commands) -> batches
          -> applying: one message to the store for each batch, with how far the file is done
          -> tally (counts) and log, written in the same transaction

All but `applying`, `kind` and `projection` is pure: no I/O and no waiting.
"""

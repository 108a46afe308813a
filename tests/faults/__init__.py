"""What must hold when the process is killed or the power fails.

`load` writes and keeps a `ledger` of what was acknowledged; `judge` holds a database against it.
`recording_disk` and `power_disk` are layers over SQLite's file system.
"""

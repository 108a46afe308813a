"""The contract of a storage engine, driven through the graph service.

`engines` says what a test may ask of an engine; `sqlite_engine` answers for the embedded one.
Everything but the modules named `test_sqlite_*` and `test_disk_full` runs on every engine.
"""

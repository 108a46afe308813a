"""Messages of sensors become patches and telemetry, by rules alone.

`mapping` and `rules` are pure; `bursts` merges and writes; `mqtt` and `webhook` are the ways in.
"""

"""The rules of twins: what a write may do, and what it changes.

In the order data passes: `commands` name the writes; `service` loads, decides and applies;
`twin`, `relationship`, `telemetry` and `models` decide (pure functions); `patch` applies JSON
Patch, `metadata` keeps `$metadata`, `documents` encodes, `violations` words what broke a
model; `catalog` is the immutable snapshot of the stored models that decisions look at.
"""

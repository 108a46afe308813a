"""Looks whether a server can run under these settings, and says what to mend; changes nothing.

- `findings`: what a check says.
- `machine`: versions, clock, disk, descriptors, the port.
- `data`: the data folder, its files, graphs in SQLite.
- `reach`: what a server talks to: PostgreSQL, brokers, issuers, a collector.
- `trust`: certificates, tokens, policy, who can reach what.
- `examine`: all of them, in order.
"""

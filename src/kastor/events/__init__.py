"""Everything after the commit: the change log becomes events, and events reach other systems.

In the order in which an event passes: `envelope` makes a CloudEvent of a log entry; `filter`
decides whether a route wants it; `relay` reads the log for each route and hands on, in order, at
least once; `sinks` are the ways to the brokers; `feed` serves programs and pages.
"""

# Made from `asynchronous` by `python3 dev client`; do not edit.
"""The client that waits."""

"""The official Azure SDKs, unmodified, against a real server."""

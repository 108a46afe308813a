"""The operations that Kastor adds, under /kastor/v1."""

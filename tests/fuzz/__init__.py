"""Generated requests against the server's own description of itself."""

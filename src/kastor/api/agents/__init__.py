"""The agents' server at /mcp: its address, its door, its answers over HTTP."""

"""The tools: each returns an answer of `fitting`, and knows nothing of the protocol."""

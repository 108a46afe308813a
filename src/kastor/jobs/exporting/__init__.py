"""A graph as a file: the contract's import file, whose bytes follow from the graph alone."""

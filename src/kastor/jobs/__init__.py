"""Long work on a graph: jobs that are stored, held by one process, and go on after a crash."""

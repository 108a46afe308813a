-- Whoever holds a route looks for requeued letters with every renewal.
CREATE INDEX dead_letters_requeued ON {graph}.dead_letters (route) WHERE requeued;

"""Search over ids, texts, models and names of relationships, by an index that follows the log."""

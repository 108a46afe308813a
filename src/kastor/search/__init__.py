"""Search over ids, texts, models and names of relationships: an index that follows the change log."""

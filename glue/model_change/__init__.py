"""Another model for the vectors of a collection, while the pipeline writes and people search."""

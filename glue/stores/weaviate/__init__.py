"""Weaviate: collections, objects and search."""

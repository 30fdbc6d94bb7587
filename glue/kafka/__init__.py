"""Kafka: one connection value, and one way each to read, to produce, to keep a compacted topic, to lock."""

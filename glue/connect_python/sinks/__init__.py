"""Sinks in Python for Kafka Connect, by the contract of :mod:`glue.connect_python.sink`."""

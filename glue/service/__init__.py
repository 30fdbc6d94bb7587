"""The glue service: consumes raw topics, sends records through a chain, and produces each exactly once."""

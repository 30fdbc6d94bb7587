"""Snowflake, or the local endpoint that speaks its protocol."""

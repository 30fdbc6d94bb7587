"""A local endpoint that speaks the part of Snowflake's HTTP API which the official clients use. See README.md."""

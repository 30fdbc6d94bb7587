"""The stores behind the sinks, by one contract: Snowflake, PostgreSQL and Weaviate."""

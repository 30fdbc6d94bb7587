"""PostgreSQL behind Debezium's JDBC sink."""

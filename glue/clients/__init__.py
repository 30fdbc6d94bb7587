"""One client a service: every call to Kafka, Connect, the registry, Weaviate or the warehouse goes through here."""

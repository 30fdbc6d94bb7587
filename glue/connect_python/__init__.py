"""Python plugins inside Kafka Connect: the process that the JVM plugin of ``deploy/connect-python`` starts.

One host process serves one task, transform or predicate, over a Unix socket; ``wire`` has the protocol.
"""

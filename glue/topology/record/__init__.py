"""What mxctl itself remembers in the cluster: the lock, the history of applies, and what it owns."""

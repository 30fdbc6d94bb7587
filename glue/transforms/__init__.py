"""Python SMTs: one transform a file, the contract in ``contract``, the chain that runs them in ``chain``."""

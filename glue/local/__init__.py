"""The local stack: the real parts of the pipeline as processes on loopback, for development, tests and the demo."""

"""The ``mxctl`` command line: one file a command group, no logic."""

"""Cases of the field: what public bug reports show, as data (``data/*.json``: entry, input, want), and their runner."""

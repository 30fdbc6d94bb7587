"""``python -m glue`` is ``mxctl``."""

from glue.cli.main import main

main()

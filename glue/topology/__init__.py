"""The declared topology: files, live state, plan, apply. A library; the command line only calls it."""

"""Search in posts by meaning and words, in three ways of writing: for the command, the page and the canary."""

"""Personal data: what it is, how it is found, hashed, sealed and erased."""

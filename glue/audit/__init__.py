"""What was produced against what is stored, key by key."""

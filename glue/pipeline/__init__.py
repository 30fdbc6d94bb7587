"""The one map: from which source through which topics and chains to which store, and under which key."""

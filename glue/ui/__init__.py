"""``mxctl ui``: the topology as a living graph, in a browser on this machine."""

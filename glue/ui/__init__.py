"""``mxctl ui``: the topology as a live graph, in a browser on this machine."""

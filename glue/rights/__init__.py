"""Who a request is about, which requests there are, and who is forgotten: what several parts must agree on."""

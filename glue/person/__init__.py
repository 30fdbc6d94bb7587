"""A person's rights: what is held of them is found, disclosed and erased, with a receipt."""

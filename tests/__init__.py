"""One file per module of connector_core, named after it; what needs real servers is in servers/."""

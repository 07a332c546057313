"""The HTTP API of the desk, one file a resource."""

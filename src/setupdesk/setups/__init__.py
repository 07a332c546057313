"""The Rule Registry: setups as files, checked, looked up by their setup_id."""

"""The ways in that people use. No rule lives here."""

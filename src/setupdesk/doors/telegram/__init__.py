"""The Telegram bot: the desk from a phone, as a client of its API."""

"""The steps of a request, one file each: START, dispatcher, flow body, Setup Manager, runners."""

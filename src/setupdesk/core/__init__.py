"""What things are: requests, runs, symbols, problems. Pure: no I/O, no clock."""

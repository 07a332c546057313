"""One file or folder for each outside thing: database, files, calendars, Prefect, the clock."""

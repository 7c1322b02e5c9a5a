"""One module a verb: flags to settings, rooms joined, exit status."""

"""Records to files and back: the formats that the Node original shares."""

"""Pictures of the real program: a repository with a past, a terminal, and what is looked at."""

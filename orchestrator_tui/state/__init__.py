"""The pure core: observations in, what to show out."""

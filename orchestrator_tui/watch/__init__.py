"""File change to observation: carries disk facts up into the pure core."""

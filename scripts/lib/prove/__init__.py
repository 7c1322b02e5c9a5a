"""What orch-tui promises against faults, tried again and again, and each trial tried itself."""

"""tideline: tides from harmonic constituents."""

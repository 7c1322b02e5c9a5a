"""Side by side with the real Node original."""

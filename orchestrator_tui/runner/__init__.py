"""Request to files: runs pipelines in processes of their own."""

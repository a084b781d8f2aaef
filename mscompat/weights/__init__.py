"""torch's checkpoints: read without torch, loaded into any cells, and written back."""

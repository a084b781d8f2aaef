"""Networks of well-known PyTorch repositories, ported with mscompat: their checkpoints load by name."""

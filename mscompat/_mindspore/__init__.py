"""What mscompat does to the process, and what it takes from MindSpore that is private. Nothing else belongs here."""

"""One table for each family of torch's modules."""

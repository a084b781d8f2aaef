"""How a convolution is computed: see README.md."""

"""Word vectors: reading a corpus, counting its words, training on them."""

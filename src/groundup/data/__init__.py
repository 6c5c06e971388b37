"""Floor 9: corpora, extraction, dedup, splits, pairs, tokenizers and shards."""

"""How the embedded models are pre-trained: each family's text, tokenizer, architecture and objective."""

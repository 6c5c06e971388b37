"""Floor 10: the decoder family, encoders, exact counts and Hugging Face import/export."""

"""Floor 14: the assistant, its server and page, receipts and feedback."""

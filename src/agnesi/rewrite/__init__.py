"""Rules and the driver that applies them; knows of terms, not of tensors."""

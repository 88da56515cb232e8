"""What knows nothing of tensors: terms, dtypes, errors, debug knobs, source lines, text."""

"""What Theano kept apart."""

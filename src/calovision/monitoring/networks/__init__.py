"""Networks that watch a detector: an autoencoder, and a classifier of known faults."""

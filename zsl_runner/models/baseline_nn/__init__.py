"""The deterministic network that conditional autoencoders are compared with."""

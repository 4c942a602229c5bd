"""The deterministic networks that conditional autoencoders are compared with."""

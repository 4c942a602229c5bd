"""A wide residual network of 38 layers with class activation maps, for images of one's own."""

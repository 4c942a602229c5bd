"""Ridge regression between class vectors and features, then the nearest prototype: a reference classifier."""

"""Networks that learn one task after another: a body with a head for each task, or cosines with class vectors."""

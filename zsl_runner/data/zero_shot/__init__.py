"""Feature rows of seen and unseen classes that class vectors describe."""

"""`zsl-data extract` and `zsl-data class-vectors`: pictures become features, class names become class vectors."""

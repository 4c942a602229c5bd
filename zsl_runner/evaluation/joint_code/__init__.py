"""What continuous and discrete variables of a code stand for: classes, information, factors."""

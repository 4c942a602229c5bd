"""Images with a label for each pixel: records, options, pairs and pictures that all such data sets share."""

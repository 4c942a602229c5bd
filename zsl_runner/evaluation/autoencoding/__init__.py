"""Do codes of images look like their prior, what do they hold of the class, and how likely are images?"""

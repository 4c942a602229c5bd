"""SGAL's expectation-maximisation: pretraining on seen classes, then generating and learning."""

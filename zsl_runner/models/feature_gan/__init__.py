"""Feature-generating networks: f-CLSWGAN, f-VAEGAN-D2, TF-VAEGAN and Bi-VAEGAN as settings of one family."""

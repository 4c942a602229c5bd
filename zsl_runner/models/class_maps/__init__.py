"""Class activation maps, projected pixels and a correlation module on a small network and on a wide residual one."""

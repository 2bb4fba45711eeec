"""How good the estimate of needed ports is, and what sharing by it is worth: three parts of the pacing benchmark."""

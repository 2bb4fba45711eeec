"""Other systems are told of what happens: what they are told, how it is signed, and how it gets there."""

"""What nobody can beat, and what needs no art: bounds that a pacer is measured against."""

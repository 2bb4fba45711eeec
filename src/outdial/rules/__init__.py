"""Rule profiles that come with outdial, one file each, in the form of `[[rule-profile]]` of the configuration."""

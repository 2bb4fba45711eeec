"""What an Asterisk needs so that outdial can use it: files for versions 16 to 22, filled in for each server."""

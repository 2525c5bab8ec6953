"""What all statistics share: codings as numbers, checks, the bootstrap, drawing."""

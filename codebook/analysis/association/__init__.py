"""What goes with what: pairs of labels, of variables and of coders."""

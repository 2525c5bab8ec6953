"""What the labels say: reliability, validity and association, from the tidy table alone."""

"""A run that comes from elsewhere, or goes elsewhere: its folder taken in, its answers carried along."""

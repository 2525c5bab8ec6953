"""Labels from files: `coders.yaml` says what their columns mean; what does not fit is told with its mend."""

"""Ground floor: joins on ids, secrets, the machine's faults, the log of a project."""

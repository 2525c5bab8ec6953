"""Jobs of a run: shards handed in, waited for, stopped or given up, and a person told of the end."""

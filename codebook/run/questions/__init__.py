"""Questions of a run: cut into shards, trimmed by what others asked, asked again, rehearsed without sending."""

"""What Ray's processor asks of torch: where its files are."""

from __future__ import annotations

import tempfile
from types import SimpleNamespace

Tensor = type("Tensor", (), {})
bfloat16 = float32 = None
hub = SimpleNamespace(_get_torch_home=tempfile.gettempdir)

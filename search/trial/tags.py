"""What every trial's run is tagged with."""

from __future__ import annotations

from search.child.messages import Ready
from tracking import Tag, provenance


def trial_tags(ready: Ready) -> dict[str, str]:
    """What a trial's run is tagged with: versions, hardware, threads, data."""
    tags = dict(provenance()) | {
        Tag.THREADS: str(ready.threads),
        Tag.WORKERS: str(ready.workers),
        Tag.DEVICES: ",".join(ready.devices),
    }
    if ready.dataset is not None:
        tags[Tag.DATA] = ready.dataset.name
        tags[Tag.DATA_HASH] = ready.dataset.content_hash
        tags[Tag.SYNTHETIC] = str(ready.dataset.synthetic).lower()
    return tags

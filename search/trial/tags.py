"""The tags that the MLflow runs of a study's trials share."""

from __future__ import annotations

from search.child.messages import Ready
from tracking import Tag, provenance


def trial_tags(ready: Ready) -> dict[str, str]:
    """Collect the tags of a trial's run: versions, hardware, threads, data.

    Args:
        ready: What the child says of its threads, devices and ratings.
    """
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

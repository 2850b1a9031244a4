"""What every trial's run is tagged with."""

from __future__ import annotations

from search.child.messages import Ready
from tracking import provenance


def trial_tags(ready: Ready) -> dict[str, str]:
    """What a trial's run is tagged with: versions, hardware, threads, data."""
    tags = dict(provenance()) | {
        "trialbook.threads": str(ready.threads),
        "trialbook.workers": str(ready.workers),
        "trialbook.devices": ",".join(ready.devices),
    }
    if ready.dataset is not None:
        tags["trialbook.data"] = ready.dataset.name
        tags["trialbook.data_hash"] = ready.dataset.content_hash
        tags["trialbook.synthetic"] = str(ready.dataset.synthetic).lower()
    return tags

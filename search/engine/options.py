"""What a user chooses of a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RayOptions:
    """Where a Ray cluster is, and what each trial gets of it.

    Attributes:
        address: "auto", `HOST:6379` or `ray://HOST:10001`; None for that in `RAY_ADDRESS`, and
            without it for a cluster that lives as long as this command, on this machine.
        workers: Trials at once; None for as many as the cluster has room for.
        cores: Cores that a trial reserves, and uses as threads.
        memory_mb: Memory that a trial reserves, in MB; None for none.
        gpus: GPUs that a trial reserves; a fraction shares one.
        home: Home of each worker on its machine; None for the folder of this command's home.
        data: Where the workers find the ratings; None for where this command finds them.
    """

    address: str | None = None
    workers: int | None = None
    cores: int = 1
    memory_mb: float | None = None
    gpus: float = 0.0
    home: str | None = None
    data: str | None = None

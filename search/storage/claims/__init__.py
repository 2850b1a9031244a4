"""Who works on what in a storage: processes, their leases, and the lock that they share."""

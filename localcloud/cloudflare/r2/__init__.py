"""R2: buckets and objects on disk, served by the S3 protocol, and by :class:`~localcloud.cloudflare.r2.store.Store`."""

"""R2 buckets as they are declared; their objects are the data plane's."""

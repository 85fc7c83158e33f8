"""R2 buckets: declared here, their objects behind."""

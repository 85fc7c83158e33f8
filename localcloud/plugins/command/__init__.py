"""Stand-in for Pulumi's ``command`` plugin: commands here and over SSH, and copies by SFTP."""

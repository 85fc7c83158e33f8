"""The service `medusa-ready` of an instance; standard library and Debian's psycopg2 only."""

"""Where a password comes from. Always a `SecretStr`, never written anywhere but into the keyring, on request.

In this order: the target itself (`PGPASSWORD`, `DB_PASSWORD`, the address, the service), the password file, what the
environment's `password_command` prints, the system's keyring, and last the person, who is asked. The first two are
read before connecting; the others only once a server wants a password, or refused the one that it was given.
"""

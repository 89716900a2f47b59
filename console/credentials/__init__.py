"""Where a password comes from. Always a `SecretStr`, never written anywhere but into the keyring, on request.

In this order: the target itself (`PGPASSWORD`, `DB_PASSWORD`, the address, the service), the password file, what the
environment's `password_command` prints, the system's keyring, and last the person, who is asked. The first two are
read before connecting; the others only once a server wants a password, or refused the one that it was given.

Where the target itself has one, no other is looked for when the server refuses it: only the person is asked. So it is
in libpq, and for reasons. What was given for this server is meant, and another one in its place would hide that it is
wrong; each further try is a failed login, of which some servers allow a few; and whoever stands in the server's place
would be handed one secret after the other by saying no. Those that are kept for the role, in the file, with the
command and in the keyring, are tried one after the other: there an old one is left behind when it is changed.
"""

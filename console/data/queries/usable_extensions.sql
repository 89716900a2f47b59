-- Extensions that a migration may count on: those that are there, and those that this role may create.
SELECT e.name
  FROM pg_available_extensions e
  JOIN pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version
 WHERE e.installed_version IS NOT NULL
    OR (NOT v.superuser OR v.trusted) AND has_database_privilege(current_database(), 'CREATE')
    OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)

-- What there is of the console's own schema, for a layer of the table $1.$2, and what of it this role may use.
-- Only a plain table is read, and one is only written to that is this role's or a superuser's: a view, a policy or a trigger
-- that somebody else had made would run with the rights of whoever looks.
SELECT n.oid IS NOT NULL AS has_schema,
       pyramids.oid IS NOT NULL AS has_table,
       pg_get_userbyid(coalesce(pyramids.relowner, n.nspowner)) AS owner,
       has_database_privilege(current_database(), 'CREATE') AS may_create_schema,
       coalesce(has_schema_privilege(n.oid, 'CREATE'), false) AS may_create_tables,
       coalesce(pyramids.relkind = 'r' AND NOT pyramids.relrowsecurity AND has_schema_privilege(n.oid, 'USAGE')
                AND has_table_privilege(pyramids.oid, 'SELECT'), false) AS may_read,
       coalesce(has_table_privilege(pyramids.oid, 'INSERT') AND has_table_privilege(pyramids.oid, 'UPDATE')
                AND has_table_privilege(pyramids.oid, 'DELETE'), false) AS may_write,
       owner.rolname IS NULL OR owner.rolname = current_user OR owner.rolsuper AS is_trusted,
       (SELECT extension_schema.nspname
          FROM pg_extension e JOIN pg_namespace extension_schema ON extension_schema.oid = e.extnamespace
         WHERE e.extname = 'postgis') AS postgis_schema,
       (SELECT sum(pg_stat_get_tuples_inserted(part) + pg_stat_get_tuples_updated(part) + pg_stat_get_tuples_deleted(part))::int8
          FROM (SELECT c.oid WHERE c.relkind = 'r' UNION SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf) AS parts(part)
       ) AS changes
  FROM (SELECT 1) AS one
  LEFT JOIN pg_namespace n ON n.nspname = 'dbconsole'
  LEFT JOIN pg_class pyramids ON pyramids.relnamespace = n.oid AND pyramids.relname = 'pyramids'
  LEFT JOIN pg_roles owner ON owner.oid = coalesce(pyramids.relowner, n.nspowner)
  LEFT JOIN (pg_class c JOIN pg_namespace layer_schema ON layer_schema.oid = c.relnamespace AND layer_schema.nspname = $1)
    ON c.relname = $2

-- arxos_cad: what stands in the twelve buildings, and the rules between those things.

-- What is in a room, and where: across from its left wall and in from the façade, as shares of its width and its depth.
CREATE TEMP TABLE fitting ON COMMIT DROP AS
SELECT *, row_number() OVER ()::int AS place
  FROM (VALUES
      ('wall',   1, 0.00, 0.50, 'office meeting lab storage'), ('wall',   2, 1.00, 0.50, 'office meeting lab storage'),
      ('wall',   3, 0.50, 0.00, 'office meeting lab storage'), ('wall',   4, 0.50, 1.00, 'office meeting lab storage'),
      ('window', 1, 0.30, 0.00, 'office meeting lab'),         ('window', 2, 0.72, 0.00, 'office meeting lab'),
      ('door',   1, 0.18, 1.00, 'office meeting lab storage'),
      ('light',  1, 0.50, 0.50, 'office meeting lab storage'),
      ('sensor', 1, 0.50, 0.30, 'office meeting lab storage'), ('sensor', 2, 0.52, 0.70, 'office meeting lab'),
      ('outlet', 1, 0.05, 0.25, 'office meeting lab storage'),
      ('vent',   1, 0.50, 0.10, 'office meeting lab storage'),
      ('desk',   1, 0.25, 0.22, 'office'),                     ('desk',   2, 0.75, 0.22, 'office'),
      ('desk',   3, 0.25, 0.62, 'office'),                     ('desk',   4, 0.75, 0.62, 'office'),
      ('table',  1, 0.50, 0.50, 'meeting'),                    ('screen', 1, 0.98, 0.50, 'meeting'),
      ('bench',  1, 0.30, 0.40, 'lab'),                        ('bench',  2, 0.70, 0.40, 'lab'),
      ('shelf',  1, 0.20, 0.10, 'storage'),                    ('shelf',  2, 0.80, 0.10, 'storage')
  ) AS given (type, number, across, deep, rooms);

CREATE TEMP TABLE thing ON COMMIT DROP AS
WITH room AS (
    SELECT b.*, floor, side, door,
           b.number * 100000 + floor * 1000 + side * 100 + door AS seed,
           -- An area's rooms are of one kind, mostly.
           (ARRAY['office', 'office', 'office', 'office', 'meeting', 'office', 'lab', 'storage'])[1 + (door * 3 + side + floor % 2 * 5) % 8]
               AS kind
      FROM building AS b,
           generate_series(0, b.floors - 1) AS floor,
           generate_series(0, 1) AS side,
           generate_series(1, b.rooms_a_side) AS door
), placed AS (
    SELECT r.*, f.type, f.number AS nth, f.place,
           -- Metres from the corner of the building: rooms of 4.2 m by 6 m, a corridor of 2.4 m between the rows.
           4.2 * (door - 1 + f.across) AS x,
           CASE side WHEN 0 THEN 6 * f.deep ELSE 14.4 - 6 * f.deep END AS y,
           code || '-' || lpad(floor::text, 2, '0') || '-' || lpad((side * 50 + door)::text, 2, '0') AS room_code
      FROM room AS r
      JOIN fitting AS f ON strpos(f.rooms, r.kind) > 0
)
SELECT row_number() OVER (ORDER BY number, floor, side, door, place) AS n, *,
       longitude + (x * cosd(degrees) - y * sind(degrees)) / (111320 * cosd(latitude)) AS lon,
       latitude + (x * sind(degrees) + y * cosd(degrees)) / 110540 AS lat
  FROM placed;

-- Where the number is reached, work has not got further: the top floors of the last building are still bare.
INSERT INTO arxos_cad.objects (object_id, object_type, name, geometry, properties, project_id, created_at, updated_at)
SELECT room_code || '-' || upper(type) || '-' || nth,
       type,
       initcap(type) || ' ' || nth || ', room ' || floor || '.' || lpad((side * 50 + door)::text, 2, '0'),
       point(lon, lat),
       jsonb_build_object('building', code, 'floor', floor, 'room', room_code, 'use', kind) || CASE type
           WHEN 'wall' THEN jsonb_build_object('length_m', CASE WHEN nth < 3 THEN 6.0 ELSE 4.2 END,
                                               'fire_rating', CASE WHEN door % 6 = 0 THEN 'F90' ELSE 'F30' END)
           WHEN 'door' THEN jsonb_build_object('width_mm', CASE WHEN kind = 'storage' THEN 1200 ELSE 900 END, 'lock', door % 4 = 0)
           WHEN 'window' THEN jsonb_build_object('glazing', CASE WHEN number % 3 = 0 THEN 'triple' ELSE 'double' END)
           WHEN 'sensor' THEN jsonb_build_object('measures', CASE nth WHEN 1 THEN 'temperature' ELSE 'occupancy' END,
                                                 'value', CASE nth WHEN 1 THEN round((19 + 5 * pg_temp.dice('sensor', n))::numeric, 1)
                                                                   ELSE floor(5 * pg_temp.dice('sensor', n))::numeric END,
                                                 'online', pg_temp.dice('online', n) < 0.97)
           WHEN 'light' THEN jsonb_build_object('watts', 18, 'dimmable', kind <> 'storage')
           WHEN 'desk' THEN jsonb_build_object('booked', pg_temp.dice('desk', n) < 0.6)
           ELSE '{}'::jsonb END,
       pg_temp.id('project', number),
       :'day'::timestamptz - pg_temp.days(800 - number * 40 - floor * 3),
       :'day'::timestamptz - pg_temp.days((760 - number * 40 - floor * 3) * power(pg_temp.dice('moved', n), 2))
  FROM thing
 WHERE n <= 50000
 ORDER BY n;

INSERT INTO arxos_cad.constraints (constraint_id, constraint_type, object_ids, parameters, status, project_id, created_at, updated_at)
SELECT 'C-' || lpad(n::text, 5, '0'),
       kind,
       -- Every 17th names a thing that was taken out and is still asked for.
       ARRAY[room_code || '-DOOR-1', room_code || CASE WHEN n % 17 = 0 THEN '-SPRINKLER-1' ELSE '-WALL-4' END],
       jsonb_build_object('tolerance_mm', 5 + n % 4 * 5) || CASE kind
           WHEN 'distance' THEN jsonb_build_object('min_m', 0.1, 'max_m', 2.5)
           WHEN 'clearance' THEN jsonb_build_object('min_m', 0.9)
           WHEN 'egress' THEN jsonb_build_object('max_m', 35, 'code', 'DIN EN 16005')
           ELSE jsonb_build_object('axis', pg_temp.pick(ARRAY['x', 'y'], 'axis', n)) END,
       CASE WHEN n % 17 = 0 THEN 'broken' WHEN pg_temp.dice('violated', n) < 0.06 THEN 'violated'
            WHEN pg_temp.dice('suppressed', n) < 0.04 THEN 'suppressed' ELSE 'active' END,
       pg_temp.id('project', number),
       :'day'::timestamptz - pg_temp.days(20 + 300 * pg_temp.dice('constraint', n)),
       :'day'::timestamptz - pg_temp.days(20 * pg_temp.dice('checked', n))
  FROM (SELECT row_number() OVER (ORDER BY t.n) AS n, number, room_code,
               pg_temp.pick(ARRAY['distance', 'alignment', 'clearance', 'egress', 'parallel'], 'constraint', t.n) AS kind
          FROM thing AS t
         WHERE t.n <= 50000 AND type = 'door' AND pg_temp.dice('ruled', t.n) < 0.25) AS ruled;

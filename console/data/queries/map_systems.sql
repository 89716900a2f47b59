-- Which of the SRIDs $1 are on the globe, with degrees for units.
SELECT srid
FROM :"schema".spatial_ref_sys
WHERE srid = ANY ($1::int[])
  AND srtext ~* '^(COMPD_CS\[[^[]*|COMPOUNDCRS\[[^[]*)?GEOG(CS|CRS)\['

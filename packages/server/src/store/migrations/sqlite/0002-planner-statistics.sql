-- What SQLite's planner should believe of the large tables. Without statistics it takes the primary
-- key of a table WITHOUT ROWID for the better way to any list, and reads all deliveries of a project
-- to find its dead ones, or those of one endpoint. The numbers (rows, then rows for each prefix of the
-- index) say no more than: events and deliveries are many, an endpoint has a tenth of its project's,
-- few are due, leased or dead;
-- a project has several inbound routes for each of its domains. sqlite/query-plans.test.ts holds the plans that follow.
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('deliveries', 'deliveries', '1000000 100000 2 1'),
  ('deliveries', 'deliveries_endpoint', '1000000 100000 10000 1'),
  ('deliveries', 'deliveries_due', '1000 500 100 50 1'),
  ('deliveries', 'deliveries_in_line', '100000 50000 10000 2 1'),
  ('deliveries', 'deliveries_leased', '1000 500'),
  ('deliveries', 'deliveries_dead', '1000 500 1'),
  ('inbound_routes', 'inbound_routes', '10000 100 1'),
  ('inbound_routes', 'inbound_routes_domain', '10000 100 5 1'),
  ('jobs', 'jobs', '100000 1000 1'),
  ('jobs', 'jobs_open', '10 2 1'),
  ('events', 'events_id', '1000000 100000 1'),
  ('events', 'events_dedup', '1000000 100000 1'),
  ('events', 'events_message', '1000000 100000 4 1');
ANALYZE sqlite_schema;

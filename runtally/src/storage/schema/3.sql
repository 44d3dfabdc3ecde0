-- Which run counts the cost of a harvest: the one that named it first.
CREATE TABLE harvest_cost (apify_run TEXT PRIMARY KEY, run TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- A database of schema 6, as sqlite3 dumps it.
BEGIN TRANSACTION;
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    visitor TEXT,
    key TEXT UNIQUE,
    style TEXT NOT NULL,
    made_by TEXT NOT NULL,
    state TEXT NOT NULL,
    share INTEGER NOT NULL,
    hidden INTEGER NOT NULL DEFAULT 0,
    source TEXT,
    result TEXT,
    error TEXT,
    ticket TEXT,
    sends INTEGER NOT NULL DEFAULT 0,
    created_at_ms INTEGER NOT NULL,
    ended_at_ms INTEGER,
    expires_at_ms INTEGER NOT NULL
, memo TEXT, address TEXT, form TEXT, photo_kind TEXT NOT NULL DEFAULT 'single', approved INTEGER NOT NULL DEFAULT 0, focus_x REAL, focus_y REAL) STRICT;
INSERT INTO jobs VALUES(1,'00000000-0000-4000-8000-000000000001','ann','ann 5b1e8c5e-0f6c-4f0e-9d61-6a5d6b8f4a11','comic','laptop','done',1,0,'a1.jpg','a2.jpg',NULL,NULL,0,1000,1500,9000000000000,NULL,'hall',NULL,'single',0,NULL,NULL);
INSERT INTO jobs VALUES(2,'00000000-0000-4000-8000-000000000002','bob',NULL,'clay','comfyui','running',0,0,'b1.jpg',NULL,NULL,'00000000-0000-4000-8000-000000000020',2,1100,NULL,9000000000000,'{"files":[]}',NULL,NULL,'single',0,NULL,NULL);
INSERT INTO jobs VALUES(3,'00000000-0000-4000-8000-000000000003','cem',NULL,'oil','laptop','queued',1,0,'c1.jpg',NULL,NULL,NULL,0,1200,NULL,9000000000000,NULL,NULL,NULL,'single',0,NULL,NULL);
INSERT INTO jobs VALUES(4,'00000000-0000-4000-8000-000000000004','dan',NULL,'oil','laptop','failed',0,1,'d1.jpg',NULL,'It failed: try another style.',NULL,0,1300,1400,9000000000000,NULL,NULL,NULL,'strip',0,NULL,NULL);
INSERT INTO jobs VALUES(5,'00000000-0000-4000-8000-000000000005',NULL,NULL,'oil','laptop','expired',0,0,NULL,NULL,NULL,NULL,0,100,200,300,NULL,NULL,NULL,'single',0,NULL,NULL);
CREATE TABLE gallery (
    id TEXT PRIMARY KEY,
    job INTEGER NOT NULL UNIQUE REFERENCES jobs (seq) ON DELETE CASCADE
) STRICT;
INSERT INTO gallery VALUES('00000000-0000-4000-8000-000000000010',1);
CREATE TABLE tickets_to_forget (
    ticket TEXT PRIMARY KEY,
    made_by TEXT NOT NULL,
    sends INTEGER NOT NULL
, memo TEXT) STRICT;
INSERT INTO tickets_to_forget VALUES('00000000-0000-4000-8000-000000000021','comfyui',1,NULL);
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL,
    since_boot_ms INTEGER NOT NULL,
    unix_ms INTEGER NOT NULL,
    station_ms INTEGER NOT NULL,
    is_set INTEGER NOT NULL,
    before_unix_ms INTEGER,
    before_station_ms INTEGER
) STRICT;
INSERT INTO clock VALUES(1,'boot-a',60000,1800000000000,1800000000000,0,NULL,NULL);
CREATE TABLE program (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL
) STRICT;
INSERT INTO program VALUES(1,'0.1.0');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('jobs',5);
CREATE INDEX jobs_of_visitor ON jobs (visitor);
CREATE INDEX jobs_that_expire ON jobs (expires_at_ms);
PRAGMA user_version = 6;
COMMIT;

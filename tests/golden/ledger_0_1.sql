BEGIN TRANSACTION;
CREATE TABLE answers (
            id INTEGER PRIMARY KEY, ask_id INTEGER NOT NULL, job INTEGER NOT NULL, custom_id TEXT NOT NULL,
            file TEXT, offset INTEGER, length INTEGER, why TEXT, detail TEXT NOT NULL DEFAULT '',
            model TEXT NOT NULL DEFAULT '', request_id TEXT NOT NULL DEFAULT '',
            tokens_in INTEGER NOT NULL DEFAULT 0, tokens_out INTEGER NOT NULL DEFAULT 0, tokens_cached INTEGER NOT NULL DEFAULT 0, fingerprint TEXT NOT NULL DEFAULT '', cost_usd REAL,
            UNIQUE (job, custom_id));
INSERT INTO "answers" VALUES(1,3,1,'topic.no.0.ewbg4w6nyabc','answered/results/0001-112f46a665c3-output.jsonl',0,703,'refused','I will not code this.','gpt-6-luna-2026-09-01','req_b423be39b5354e0a961d4468',279,5,0,'fp_fake_2026',1.52e-05);
INSERT INTO "answers" VALUES(2,1,1,'topic.u0.0.ghafzudejktp','answered/results/0001-112f46a665c3-output.jsonl',704,704,NULL,'','gpt-6-luna-2026-09-01','req_98c9432c96bc49019daff95e',279,5,0,'fp_fake_2026',1.52e-05);
INSERT INTO "answers" VALUES(3,2,1,'topic.u1.0.skn2to74khsb','answered/results/0001-112f46a665c3-output.jsonl',1409,702,NULL,'','gpt-6-luna-2026-09-01','req_48ad2819d6364826a339cfe0',279,5,0,'fp_fake_2026',1.52e-05);
INSERT INTO "answers" VALUES(4,4,1,'topic.bad.0.2krrcohfos4x','answered/results/0001-9df41189eb85-errors.jsonl',0,267,'failed','as the text orders','','req_c01135d384ca4e79922787c8',0,0,0,'',0.0);
INSERT INTO "answers" VALUES(5,5,2,'topic.u2.0.4hpmsu2inb4c','live/results/0001-03a7c6cac182-output.jsonl',0,724,NULL,'','gpt-6-luna-2026-09-01','req_a4b6146404a54be3b36c73daa9e61b28',279,5,0,'fp_fake_2026',3.04e-05);
CREATE TABLE asks (
            id INTEGER PRIMARY KEY, request_key BLOB NOT NULL UNIQUE, shard_id INTEGER NOT NULL,
            open INTEGER NOT NULL DEFAULT 1, answer_id INTEGER);
INSERT INTO "asks" VALUES(1,X'8C671293CBDE978A5A59E2311FFC8937F363025A481FE7CFD7176D34D8E21BA8',1,0,2);
INSERT INTO "asks" VALUES(2,X'FF4D72702980384BE30A29EB25EF737035ACE1F5872CFD02E452C1DFDB16EABF',1,0,3);
INSERT INTO "asks" VALUES(3,X'77E107CEE6E848B7B4C5A2652002FB9D65A7CD485F1A799B55FA657471D847EE',2,1,1);
INSERT INTO "asks" VALUES(4,X'9500679835E4183D4598D1CA202B096742252CAB4260BAF2D940783408E6B9AE',1,0,4);
INSERT INTO "asks" VALUES(5,X'1ECE71B7F3FB0D3F3BCA5672747EDD8F7672FFF273D70759456DC20549CE4A6F',3,0,5);
INSERT INTO "asks" VALUES(6,X'DF9F108165DBAD71287E30E15AC25404179C81B191A8803E7BAF3DCE8B063D6A',4,1,NULL);
INSERT INTO "asks" VALUES(7,X'AB1DFD88D18EDE0A0B900C164651D8CF2B716C8642D7070C41EC755C898DBBB1',5,1,NULL);
INSERT INTO "asks" VALUES(8,X'E507701EF6BE9BE708C3ADA3D4D04EF5365F26DDF16713134DA72C069863A6AB',6,1,NULL);
INSERT INTO "asks" VALUES(9,X'A93EF66F550EFA26C05FE9B083E5F2739541AA9E87B2D60A7D8C093F83BD1D48',7,1,NULL);
INSERT INTO "asks" VALUES(10,X'2DF12295ED83A4B4035DF9FB551AD51BA32403E7435DE541E94DDFB5B00CB63E',8,1,NULL);
INSERT INTO "asks" VALUES(11,X'42669BDBF349E0E2BCD355F9DA00F5C6678BB09D695197393A780FA483344A78',9,1,NULL);
INSERT INTO "asks" VALUES(12,X'7AFDC52EF8C9337782B4889B084282348A3BDB0DE783A12D5C56DB6B0F9BBF61',10,1,NULL);
CREATE TABLE events (
            id INTEGER PRIMARY KEY, at TEXT NOT NULL, run_id TEXT NOT NULL, verb TEXT NOT NULL, what TEXT NOT NULL);
INSERT INTO "events" VALUES(1,'2026-11-28T15:38:44.357+00:00','answered','plan','4 units');
INSERT INTO "events" VALUES(2,'2026-11-28T15:38:45.006+00:00','answered','submit','shard 1: batch_33f8bf0d4d924bf3bc9e4601eaa2a0e1');
INSERT INTO "events" VALUES(3,'2026-11-28T15:38:45.025+00:00','answered','collect','shard 1: completed, 4 of 4 lines');
INSERT INTO "events" VALUES(4,'2026-11-28T15:38:45.057+00:00','answered','retry','1 questions: refused');
INSERT INTO "events" VALUES(5,'2026-11-28T15:38:45.074+00:00','elsewhere','plan','2 units');
INSERT INTO "events" VALUES(6,'2026-11-28T15:38:45.103+00:00','live','plan','2 units');
INSERT INTO "events" VALUES(7,'2026-11-28T15:38:45.128+00:00','live','submit','shard 1: openai_live-live-1-a9aa0d846530ee96fc3024cec81edbaf-f02c4c7ef257');
INSERT INTO "events" VALUES(8,'2026-11-28T15:38:45.134+00:00','live','collect','shard 1: completed, 1 of 1 lines');
INSERT INTO "events" VALUES(9,'2026-11-28T15:38:45.177+00:00','planned','plan','2 units');
INSERT INTO "events" VALUES(10,'2026-11-28T15:38:45.197+00:00','waits','plan','2 units');
INSERT INTO "events" VALUES(11,'2026-11-28T15:38:45.221+00:00','waiting','plan','2 units');
INSERT INTO "events" VALUES(12,'2026-11-28T15:38:45.237+00:00','waiting','submit','shard 1: batch_9b17b0ad25e64931bb26b9b5ba12a79c');
INSERT INTO "events" VALUES(13,'2026-11-28T15:38:45.248+00:00','waiting','submit','shard 2: batch_426cc6981abd4220a572b0a2a764a73b');
INSERT INTO "events" VALUES(14,'2026-11-28T15:38:45.251+00:00','waiting','wait','shard 2: batch_426cc6981abd4220a572b0a2a764a73b: Enqueued token limit reached for gpt-6-luna in organization org-fake. Limit: 418 enqueued tokens. Please try again once some in_progress batches have been completed.');
INSERT INTO "events" VALUES(15,'2026-11-28T15:38:45.273+00:00','doubt','plan','1 units');
INSERT INTO "events" VALUES(16,'2026-11-28T15:38:45.331+00:00','under-way','plan','1 units');
INSERT INTO "events" VALUES(17,'2026-11-28T15:38:45.346+00:00','under-way','submit','shard 1: batch_28077a23ac1c4e3692fd2cbdbca6f315');
INSERT INTO "events" VALUES(18,'2026-11-28T15:38:45.366+00:00','replayed','plan','2 units');
CREATE TABLE jobs (
            id INTEGER PRIMARY KEY, shard_id INTEGER NOT NULL UNIQUE, job_key TEXT NOT NULL UNIQUE,
            job_id TEXT, engine TEXT NOT NULL, state TEXT NOT NULL,
            n_total INTEGER NOT NULL DEFAULT 0, n_done INTEGER NOT NULL DEFAULT 0, n_failed INTEGER NOT NULL DEFAULT 0,
            note TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL, submitted_at TEXT, seen_at TEXT, ended_at TEXT,
            collected_at TEXT, attempt INTEGER NOT NULL DEFAULT 0, expires_at TEXT NOT NULL DEFAULT '', reserved_usd REAL);
INSERT INTO "jobs" VALUES(1,1,'answered:1:1623416c67efa22f476b5d03dfd3733b','batch_33f8bf0d4d924bf3bc9e4601eaa2a0e1','openai_batch','completed',4,3,1,'the service keeps its files until 2026-12-28','2026-11-28T15:38:44.636+00:00','2026-11-28T15:38:45.006+00:00','2026-11-28T15:38:45.010+00:00','2026-11-28T15:38:45.010+00:00','2026-11-28T15:38:45.025+00:00',0,'2026-11-29T15:38:45+00:00',5.265e-05);
INSERT INTO "jobs" VALUES(2,3,'live:1:a9aa0d846530ee96fc3024cec81edbaf','openai_live-live-1-a9aa0d846530ee96fc3024cec81edbaf-f02c4c7ef257','openai_live','completed',1,1,0,'','2026-11-28T15:38:45.109+00:00','2026-11-28T15:38:45.128+00:00','2026-11-28T15:38:45.129+00:00','2026-11-28T15:38:45.129+00:00','2026-11-28T15:38:45.133+00:00',0,'',2.58e-05);
INSERT INTO "jobs" VALUES(3,7,'waiting:1:307614297aee244d0ebe570bd4c0c3ab','batch_9b17b0ad25e64931bb26b9b5ba12a79c','openai_batch','in_progress',1,0,0,'','2026-11-28T15:38:45.226+00:00','2026-11-28T15:38:45.236+00:00','2026-11-28T15:38:45.239+00:00',NULL,NULL,0,'2026-11-29T15:38:45+00:00',1.29e-05);
INSERT INTO "jobs" VALUES(4,8,'waiting:2:ac75a14adffb5346e0f9aa10c4eb1164+',NULL,'openai_batch','waiting',0,0,0,'no room yet: too many tokens wait at the service; submit hands it in again','2026-11-28T15:38:45.240+00:00',NULL,'2026-11-28T15:38:45.251+00:00',NULL,NULL,1,'',1.29e-05);
INSERT INTO "jobs" VALUES(5,9,'doubt:1:77ab576fef01c94e694f1f06b149c8c9',NULL,'openai_batch','creating',0,0,0,'list of batches: the service is busy or in trouble (Error code: 503 - as the fault orders). Nothing is lost; try later.','2026-11-28T15:38:45.278+00:00',NULL,NULL,NULL,NULL,0,'',1.29e-05);
INSERT INTO "jobs" VALUES(6,10,'under-way:1:0c271b4410e549af3d4367e345cd43c0','batch_28077a23ac1c4e3692fd2cbdbca6f315','openai_batch','validating',0,0,0,'','2026-11-28T15:38:45.336+00:00','2026-11-28T15:38:45.346+00:00','2026-11-28T15:38:45.348+00:00',NULL,NULL,0,'2026-11-29T15:38:45+00:00',1.29e-05);
CREATE TABLE rows (
            id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, custom_id TEXT NOT NULL, unit_id TEXT NOT NULL,
            variable TEXT NOT NULL, draw INTEGER NOT NULL, ask_id INTEGER, skip TEXT,
            UNIQUE (run_id, custom_id));
INSERT INTO "rows" VALUES(1,'answered','topic.u0.0.ghafzudejktp','u0','topic',0,1,NULL);
INSERT INTO "rows" VALUES(2,'answered','topic.u1.0.skn2to74khsb','u1','topic',0,2,NULL);
INSERT INTO "rows" VALUES(3,'answered','topic.no.0.ewbg4w6nyabc','no','topic',0,3,NULL);
INSERT INTO "rows" VALUES(4,'answered','topic.bad.0.2krrcohfos4x','bad','topic',0,4,NULL);
INSERT INTO "rows" VALUES(5,'elsewhere','topic.u0.0.ghafzudejktp','u0','topic',0,1,NULL);
INSERT INTO "rows" VALUES(6,'elsewhere','topic.u1.0.skn2to74khsb','u1','topic',0,2,NULL);
INSERT INTO "rows" VALUES(7,'live','topic.u0.0.ghafzudejktp','u0','topic',0,1,NULL);
INSERT INTO "rows" VALUES(8,'live','topic.u2.0.4hpmsu2inb4c','u2','topic',0,5,NULL);
INSERT INTO "rows" VALUES(9,'planned','topic.u3.0.3pshk2pvmqww','u3','topic',0,6,NULL);
INSERT INTO "rows" VALUES(10,'planned','topic.u4.0.gx4kgwfnbmy3','u4','topic',0,7,NULL);
INSERT INTO "rows" VALUES(11,'waits','topic.u3.0.3pshk2pvmqww','u3','topic',0,6,NULL);
INSERT INTO "rows" VALUES(12,'waits','topic.u5.0.umrhy3tmr32e','u5','topic',0,8,NULL);
INSERT INTO "rows" VALUES(13,'waiting','topic.u6.0.vcvdk2rovqyg','u6','topic',0,9,NULL);
INSERT INTO "rows" VALUES(14,'waiting','topic.u7.0.ixhevsrtmmbc','u7','topic',0,10,NULL);
INSERT INTO "rows" VALUES(15,'doubt','topic.u8.0.jk5jhjbqxc55','u8','topic',0,11,NULL);
INSERT INTO "rows" VALUES(16,'under-way','topic.u9.0.snh37wb3524o','u9','topic',0,12,NULL);
INSERT INTO "rows" VALUES(17,'replayed','topic.u0.0.ghafzudejktp','u0','topic',0,1,NULL);
INSERT INTO "rows" VALUES(18,'replayed','topic.u1.0.skn2to74khsb','u1','topic',0,2,NULL);
CREATE TABLE runs (run_id TEXT PRIMARY KEY, digest TEXT NOT NULL, planned INTEGER NOT NULL DEFAULT 0, cap_usd REAL);
INSERT INTO "runs" VALUES('answered','f777505cf086ce8a70c726cd27f6b49bdded2a01f20d7983c880c91c603dcff6',1,NULL);
INSERT INTO "runs" VALUES('elsewhere','650f7a3c7d49ac17fbc74f0c6eeec70b1ece40c60896c0ab4a2a956165c453b8',1,NULL);
INSERT INTO "runs" VALUES('live','e88852c7e280c642595cbb4c406f99650cbea9df28a46f5acc1f15c92edac39b',1,NULL);
INSERT INTO "runs" VALUES('planned','1f3c8e5d6ef38fce72eaa0d1d291a7bad9962c20206f95ee8afa287bf146f4b3',1,NULL);
INSERT INTO "runs" VALUES('waits','432081762a3368c7738630b13a569029dbbd51c2a60ed1b0ac75c6adbdfab7eb',1,NULL);
INSERT INTO "runs" VALUES('waiting','ebab269a37b47c68195d7a078e304c57caed55dd145ed29cba8a32f8dc534f76',1,NULL);
INSERT INTO "runs" VALUES('doubt','f0e65a6310d82b45b057bd927953f25c8c431005cbd724d11a7ccb0b19898b44',1,NULL);
INSERT INTO "runs" VALUES('under-way','aa4b0bac1e821ff7aa1e2d9a87cb6a47ffc2ea68db20d71e34d5e5183a6e36f4',1,NULL);
INSERT INTO "runs" VALUES('replayed','227499535986edc6ae6d1a0f71409144fdbef324311455abff4500278a8559f5',1,NULL);
CREATE TABLE sent (
            shard_id INTEGER NOT NULL, custom_id TEXT NOT NULL, ask_id INTEGER NOT NULL,
            PRIMARY KEY (shard_id, custom_id)) WITHOUT ROWID;
INSERT INTO "sent" VALUES(1,'topic.bad.0.2krrcohfos4x',4);
INSERT INTO "sent" VALUES(1,'topic.no.0.ewbg4w6nyabc',3);
INSERT INTO "sent" VALUES(1,'topic.u0.0.ghafzudejktp',1);
INSERT INTO "sent" VALUES(1,'topic.u1.0.skn2to74khsb',2);
INSERT INTO "sent" VALUES(2,'topic.no.0.ewbg4w6nyabc',3);
INSERT INTO "sent" VALUES(3,'topic.u2.0.4hpmsu2inb4c',5);
INSERT INTO "sent" VALUES(4,'topic.u3.0.3pshk2pvmqww',6);
INSERT INTO "sent" VALUES(5,'topic.u4.0.gx4kgwfnbmy3',7);
INSERT INTO "sent" VALUES(6,'topic.u5.0.umrhy3tmr32e',8);
INSERT INTO "sent" VALUES(7,'topic.u6.0.vcvdk2rovqyg',9);
INSERT INTO "sent" VALUES(8,'topic.u7.0.ixhevsrtmmbc',10);
INSERT INTO "sent" VALUES(9,'topic.u8.0.jk5jhjbqxc55',11);
INSERT INTO "sent" VALUES(10,'topic.u9.0.snh37wb3524o',12);
CREATE TABLE shards (
            id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL,
            sha256 TEXT NOT NULL, url TEXT NOT NULL, model TEXT NOT NULL,
            n_requests INTEGER NOT NULL, n_bytes INTEGER NOT NULL, n_tokens INTEGER NOT NULL,
            UNIQUE (run_id, number));
INSERT INTO "shards" VALUES(1,'answered',1,'0001-1623416c67ef.jsonl','1623416c67efa22f476b5d03dfd3733bb5fd4bf9adfa48bf36c16e5643c72e5c','/v1/chat/completions','gpt-6-luna',4,4840,1210);
INSERT INTO "shards" VALUES(2,'answered',2,'0002-658225382800.jsonl','658225382800182cd729cadc4fa179d9b4c5de39b05e07b38f67ab37545b47a7','/v1/chat/completions','gpt-6-luna',1,1211,302);
INSERT INTO "shards" VALUES(3,'live',1,'0001-a9aa0d846530.jsonl','a9aa0d846530ee96fc3024cec81edbaf7df72c013b7422848e16dab68fa37354','/v1/chat/completions','gpt-6-luna',1,1209,302);
INSERT INTO "shards" VALUES(4,'planned',1,'0001-37cff0c75275.jsonl','37cff0c75275e5a49726361ba4c948962219212a59343198b3a38853352096b7','/v1/chat/completions','gpt-6-luna',1,1209,302);
INSERT INTO "shards" VALUES(5,'planned',2,'0002-09cd0dc48d10.jsonl','09cd0dc48d106613a787121f1f9245c3aa21e5d97959a9a9f45d9494b2722a7b','/v1/chat/completions','gpt-6-luna',1,1209,302);
INSERT INTO "shards" VALUES(6,'waits',1,'0001-e0575ebd5505.jsonl','e0575ebd55053bf01c88b00201c063624478ffaa45686b72f8ab3145d52c3fe5','/v1/chat/completions','gpt-6-luna',1,1209,302);
INSERT INTO "shards" VALUES(7,'waiting',1,'0001-307614297aee.jsonl','307614297aee244d0ebe570bd4c0c3ab71ed43f6f29fabbbf486dadc6394c013','/v1/chat/completions','gpt-6-luna',1,1209,302);
INSERT INTO "shards" VALUES(8,'waiting',2,'0002-ac75a14adffb.jsonl','ac75a14adffb5346e0f9aa10c4eb11644205f8e6cebb7caa14e65b82d80cc3c5','/v1/chat/completions','gpt-6-luna',1,1209,302);
INSERT INTO "shards" VALUES(9,'doubt',1,'0001-77ab576fef01.jsonl','77ab576fef01c94e694f1f06b149c8c969b6e41ccdccedd7e97c0399c4ef23a8','/v1/chat/completions','gpt-6-luna',1,1209,302);
INSERT INTO "shards" VALUES(10,'under-way',1,'0001-0c271b4410e5.jsonl','0c271b4410e549af3d4367e345cd43c0eac8af5609e1692d8e229fcc0990fd73','/v1/chat/completions','gpt-6-luna',1,1209,302);
CREATE INDEX asks_open ON asks (shard_id) WHERE open = 1;
CREATE INDEX rows_ask ON rows (ask_id);
CREATE INDEX answers_ask ON answers (ask_id);
COMMIT;
PRAGMA user_version = 2;

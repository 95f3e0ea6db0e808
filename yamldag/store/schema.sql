CREATE TABLE account (
	name VARCHAR(200) NOT NULL,
	role VARCHAR(20) NOT NULL,
	password VARCHAR(200) NOT NULL,
	created DOUBLE NOT NULL,
	disabled DOUBLE,
	CONSTRAINT account_pk PRIMARY KEY (name),
	CONSTRAINT account_role_known CHECK (role = 'viewer' OR role = 'operator' OR role = 'admin')
);

CREATE TABLE api_answer (
	who VARCHAR(200) NOT NULL,
	idempotency_key VARCHAR(200) NOT NULL,
	fingerprint VARCHAR(64) NOT NULL,
	created DOUBLE NOT NULL,
	status INTEGER,
	body TEXT,
	CONSTRAINT api_answer_pk PRIMARY KEY (who, idempotency_key)
);

CREATE TABLE api_token (
	name VARCHAR(200) NOT NULL,
	hash VARCHAR(64) NOT NULL,
	role VARCHAR(20) NOT NULL,
	created DOUBLE NOT NULL,
	creator VARCHAR(200) NOT NULL,
	expires DOUBLE,
	used DOUBLE,
	revoked DOUBLE,
	CONSTRAINT api_token_pk PRIMARY KEY (name),
	CONSTRAINT api_token_hash_unique UNIQUE (hash),
	CONSTRAINT api_token_role_known CHECK (role = 'viewer' OR role = 'operator' OR role = 'admin')
);

CREATE TABLE audit (
	id INTEGER NOT NULL,
	at DOUBLE NOT NULL,
	who VARCHAR(200) NOT NULL,
	via VARCHAR(20) NOT NULL,
	address VARCHAR(100) NOT NULL,
	action VARCHAR(50) NOT NULL,
	object VARCHAR(500) NOT NULL,
	detail TEXT NOT NULL,
	outcome VARCHAR(500),
	CONSTRAINT audit_pk PRIMARY KEY (id)
);

CREATE TABLE cached (
	hash VARCHAR(64) NOT NULL,
	instance INTEGER NOT NULL,
	value TEXT,
	created DOUBLE NOT NULL,
	CONSTRAINT cached_pk PRIMARY KEY (hash)
);

CREATE TABLE login_try (
	id INTEGER NOT NULL,
	account VARCHAR(200) NOT NULL,
	address VARCHAR(100) NOT NULL,
	at DOUBLE NOT NULL,
	CONSTRAINT login_try_pk PRIMARY KEY (id)
);

CREATE TABLE pipeline (
	id VARCHAR(200) NOT NULL,
	file TEXT NOT NULL,
	version VARCHAR(64) NOT NULL,
	paused SMALLINT DEFAULT '0' NOT NULL,
	first_seen DOUBLE NOT NULL,
	changed DOUBLE NOT NULL,
	removed DOUBLE,
	CONSTRAINT pipeline_pk PRIMARY KEY (id),
	CONSTRAINT pipeline_paused_known CHECK (paused IN (0, 1))
);

CREATE TABLE pool (
	name VARCHAR(200) NOT NULL,
	slots INTEGER NOT NULL,
	source VARCHAR(20) NOT NULL,
	description TEXT,
	CONSTRAINT pool_pk PRIMARY KEY (name),
	CONSTRAINT pool_slots_sane CHECK (slots >= 0),
	CONSTRAINT pool_source_known CHECK (source IN ('project', 'command'))
);

CREATE TABLE runner (
	id INTEGER NOT NULL,
	kind VARCHAR(20) NOT NULL,
	host VARCHAR(255) NOT NULL,
	boot VARCHAR(100),
	pid INTEGER NOT NULL,
	executor VARCHAR(64) NOT NULL,
	started DOUBLE NOT NULL,
	seen DOUBLE NOT NULL,
	step BIGINT DEFAULT '0' NOT NULL,
	ended DOUBLE,
	slots INTEGER,
	CONSTRAINT runner_pk PRIMARY KEY (id)
);

CREATE TABLE stored_value (
	kind VARCHAR(20) NOT NULL,
	name VARCHAR(200) NOT NULL,
	token TEXT NOT NULL,
	changed DOUBLE NOT NULL,
	changer VARCHAR(200) NOT NULL,
	CONSTRAINT stored_value_pk PRIMARY KEY (kind, name),
	CONSTRAINT stored_value_kind_known CHECK (kind = 'secret' OR kind = 'connection')
);

CREATE TABLE webhook (
	name VARCHAR(200) NOT NULL,
	pipeline VARCHAR(200) NOT NULL,
	secret VARCHAR(100) NOT NULL,
	param VARCHAR(200),
	mapping TEXT,
	created DOUBLE NOT NULL,
	creator VARCHAR(200) NOT NULL,
	used DOUBLE,
	revoked DOUBLE,
	CONSTRAINT webhook_pk PRIMARY KEY (name)
);

CREATE TABLE asset_use (
	pipeline VARCHAR(200) NOT NULL,
	asset VARCHAR(200) NOT NULL,
	last INTEGER NOT NULL,
	CONSTRAINT asset_use_pk PRIMARY KEY (pipeline, asset),
	CONSTRAINT asset_use_pipeline_known FOREIGN KEY(pipeline) REFERENCES pipeline (id)
);

CREATE TABLE backfill (
	id VARCHAR(120) NOT NULL,
	pipeline VARCHAR(200) NOT NULL,
	first VARCHAR(27) NOT NULL,
	last VARCHAR(27) NOT NULL,
	reprocess VARCHAR(20) NOT NULL,
	max_active INTEGER NOT NULL,
	params TEXT NOT NULL,
	created DOUBLE NOT NULL,
	cancelled DOUBLE,
	CONSTRAINT backfill_pk PRIMARY KEY (id),
	CONSTRAINT backfill_max_active_sane CHECK (max_active >= 1),
	CONSTRAINT backfill_reprocess_known CHECK (reprocess IN ('none', 'failed', 'completed')),
	CONSTRAINT backfill_pipeline_known FOREIGN KEY(pipeline) REFERENCES pipeline (id)
);

CREATE TABLE leadership (
	name VARCHAR(20) NOT NULL,
	runner INTEGER NOT NULL,
	CONSTRAINT leadership_pk PRIMARY KEY (name),
	CONSTRAINT leadership_runner_known FOREIGN KEY(runner) REFERENCES runner (id)
);

CREATE TABLE login_session (
	hash VARCHAR(64) NOT NULL,
	account VARCHAR(200) NOT NULL,
	address VARCHAR(100) NOT NULL,
	created DOUBLE NOT NULL,
	seen DOUBLE NOT NULL,
	until DOUBLE NOT NULL,
	CONSTRAINT login_session_pk PRIMARY KEY (hash),
	CONSTRAINT login_session_account_known FOREIGN KEY(account) REFERENCES account (name)
);

CREATE TABLE pipeline_version (
	hash VARCHAR(64) NOT NULL,
	pipeline VARCHAR(200) NOT NULL,
	"plan" TEXT NOT NULL,
	created DOUBLE NOT NULL,
	CONSTRAINT pipeline_version_pk PRIMARY KEY (hash),
	CONSTRAINT pipeline_version_pipeline_known FOREIGN KEY(pipeline) REFERENCES pipeline (id)
);

CREATE TABLE schedule_position (
	pipeline VARCHAR(200) NOT NULL,
	decided_until VARCHAR(27) NOT NULL,
	schedule TEXT NOT NULL,
	changed DOUBLE NOT NULL,
	CONSTRAINT schedule_position_pk PRIMARY KEY (pipeline),
	CONSTRAINT schedule_position_pipeline_known FOREIGN KEY(pipeline) REFERENCES pipeline (id)
);

CREATE TABLE webhook_message (
	webhook VARCHAR(200) NOT NULL,
	message VARCHAR(64) NOT NULL,
	at DOUBLE NOT NULL,
	CONSTRAINT webhook_message_pk PRIMARY KEY (webhook, message),
	CONSTRAINT webhook_message_webhook_known FOREIGN KEY(webhook) REFERENCES webhook (name)
);

CREATE TABLE run (
	id VARCHAR(120) NOT NULL,
	pipeline VARCHAR(200) NOT NULL,
	version VARCHAR(64),
	type VARCHAR(20) NOT NULL,
	state VARCHAR(20) NOT NULL,
	logical_date VARCHAR(27) NOT NULL,
	data_interval_start VARCHAR(27) NOT NULL,
	data_interval_end VARCHAR(27) NOT NULL,
	tick VARCHAR(27),
	params TEXT NOT NULL,
	only_tasks TEXT,
	created DOUBLE NOT NULL,
	started DOUBLE,
	ended DOUBLE,
	reason TEXT,
	stop VARCHAR(20),
	owner INTEGER,
	backfill VARCHAR(120),
	caller INTEGER,
	assets TEXT,
	CONSTRAINT run_pk PRIMARY KEY (id),
	CONSTRAINT run_pipeline_tick_unique UNIQUE (pipeline, tick),
	CONSTRAINT run_type_known CHECK (type = 'scheduled' OR type = 'manual' OR type = 'backfill' OR type = 'assets' OR type = 'pipeline'),
	CONSTRAINT run_state_known CHECK (state = 'queued' OR state = 'running' OR state = 'success' OR state = 'failed' OR state = 'cancelled'),
	CONSTRAINT run_tick_of_scheduled CHECK ((tick IS NOT NULL) = (type = 'scheduled')),
	CONSTRAINT run_plan_is_fixed CHECK (state = 'queued' OR version IS NOT NULL OR started IS NULL),
	CONSTRAINT run_pipeline_known FOREIGN KEY(pipeline) REFERENCES pipeline (id),
	CONSTRAINT run_version_known FOREIGN KEY(version) REFERENCES pipeline_version (hash),
	CONSTRAINT run_owner_known FOREIGN KEY(owner) REFERENCES runner (id),
	CONSTRAINT run_backfill_known FOREIGN KEY(backfill) REFERENCES backfill (id)
);

CREATE TABLE asset_update (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	asset VARCHAR(200) NOT NULL,
	run VARCHAR(120) NOT NULL,
	task VARCHAR(500) NOT NULL,
	at DOUBLE NOT NULL,
	CONSTRAINT asset_update_run_known FOREIGN KEY(run) REFERENCES run (id)
);

CREATE TABLE event (
	id INTEGER NOT NULL,
	run VARCHAR(120) NOT NULL,
	instance INTEGER,
	attempt INTEGER,
	event VARCHAR(20) NOT NULL,
	state VARCHAR(20) NOT NULL,
	at DOUBLE NOT NULL,
	detail TEXT,
	CONSTRAINT event_pk PRIMARY KEY (id),
	CONSTRAINT event_event_known CHECK (event = 'schedule' OR event = 'queue' OR event = 'start' OR event = 'defer' OR event = 'reschedule' OR event = 'wake' OR event = 'succeed' OR event = 'fail' OR event = 'retry' OR event = 'lose' OR event = 'skip' OR event = 'block' OR event = 'cancel' OR event = 'remove' OR event = 'clear' OR event = 'notify' OR event = 'deadline'),
	CONSTRAINT event_run_known FOREIGN KEY(run) REFERENCES run (id)
);

CREATE TABLE notification (
	id INTEGER NOT NULL,
	run VARCHAR(120) NOT NULL,
	instance INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	cause VARCHAR(20) NOT NULL,
	position INTEGER NOT NULL,
	state VARCHAR(20) NOT NULL,
	created DOUBLE NOT NULL,
	ended DOUBLE,
	message TEXT,
	owner INTEGER NOT NULL,
	CONSTRAINT notification_pk PRIMARY KEY (id),
	CONSTRAINT notification_run_instance_attempt_cause_position_unique UNIQUE (run, instance, attempt, cause, position),
	CONSTRAINT notification_cause_known CHECK (cause IN ('failure', 'success', 'retry', 'deadline')),
	CONSTRAINT notification_state_known CHECK (state IN ('waiting', 'done', 'failed')),
	CONSTRAINT notification_run_known FOREIGN KEY(run) REFERENCES run (id),
	CONSTRAINT notification_owner_known FOREIGN KEY(owner) REFERENCES runner (id)
);

CREATE TABLE request (
	id INTEGER NOT NULL,
	run VARCHAR(120) NOT NULL,
	kind VARCHAR(20) NOT NULL,
	detail TEXT NOT NULL,
	created DOUBLE NOT NULL,
	done DOUBLE,
	answer TEXT,
	CONSTRAINT request_pk PRIMARY KEY (id),
	CONSTRAINT request_run_known FOREIGN KEY(run) REFERENCES run (id)
);

CREATE TABLE task_instance (
	id INTEGER NOT NULL,
	run VARCHAR(120) NOT NULL,
	task VARCHAR(500) NOT NULL,
	map_index INTEGER NOT NULL,
	item TEXT,
	state VARCHAR(20) NOT NULL,
	attempts INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	attempt INTEGER,
	ready DOUBLE,
	retry_at DOUBLE,
	started DOUBLE,
	ended DOUBLE,
	reason TEXT,
	CONSTRAINT task_instance_pk PRIMARY KEY (id),
	CONSTRAINT task_instance_run_task_map_index_unique UNIQUE (run, task, map_index),
	CONSTRAINT task_instance_state_known CHECK (state = 'none' OR state = 'scheduled' OR state = 'queued' OR state = 'running' OR state = 'success' OR state = 'failed' OR state = 'skipped' OR state = 'upstream_failed' OR state = 'up_for_retry' OR state = 'up_for_reschedule' OR state = 'deferred' OR state = 'removed'),
	CONSTRAINT task_instance_map_index_sane CHECK (map_index >= -1),
	CONSTRAINT task_instance_active_has_attempt CHECK (state NOT IN ('queued', 'running') OR attempt IS NOT NULL),
	CONSTRAINT task_instance_retry_has_time CHECK (state <> 'up_for_retry' OR retry_at IS NOT NULL),
	CONSTRAINT task_instance_run_known FOREIGN KEY(run) REFERENCES run (id)
);

CREATE TABLE attempt (
	id INTEGER NOT NULL,
	instance INTEGER NOT NULL,
	number INTEGER NOT NULL,
	state VARCHAR(20) NOT NULL,
	runner INTEGER NOT NULL,
	started DOUBLE,
	ended DOUBLE,
	exit_code INTEGER,
	reason VARCHAR(20),
	message TEXT,
	log TEXT,
	CONSTRAINT attempt_pk PRIMARY KEY (id),
	CONSTRAINT attempt_instance_number_unique UNIQUE (instance, number),
	CONSTRAINT attempt_state_known CHECK (state = 'queued' OR state = 'running' OR state = 'deferred' OR state = 'success' OR state = 'failed' OR state = 'skipped'),
	CONSTRAINT attempt_number_sane CHECK (number >= 1),
	CONSTRAINT attempt_ended_has_time CHECK ((ended IS NOT NULL) = (state = 'success' OR state = 'failed' OR state = 'skipped')),
	CONSTRAINT attempt_instance_known FOREIGN KEY(instance) REFERENCES task_instance (id),
	CONSTRAINT attempt_runner_known FOREIGN KEY(runner) REFERENCES runner (id)
);

CREATE TABLE deferral (
	instance INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	spec TEXT NOT NULL,
	since DOUBLE NOT NULL,
	until DOUBLE,
	CONSTRAINT deferral_pk PRIMARY KEY (instance),
	CONSTRAINT deferral_instance_known FOREIGN KEY(instance) REFERENCES task_instance (id)
);

CREATE TABLE output (
	instance INTEGER NOT NULL,
	value TEXT NOT NULL,
	CONSTRAINT output_pk PRIMARY KEY (instance),
	CONSTRAINT output_instance_known FOREIGN KEY(instance) REFERENCES task_instance (id)
);

CREATE TABLE pool_claim (
	instance INTEGER NOT NULL,
	run VARCHAR(120) NOT NULL,
	pool VARCHAR(200) NOT NULL,
	slots INTEGER NOT NULL,
	precedence INTEGER NOT NULL,
	ready DOUBLE NOT NULL,
	granted SMALLINT DEFAULT '0' NOT NULL,
	CONSTRAINT pool_claim_pk PRIMARY KEY (instance),
	CONSTRAINT pool_claim_granted_known CHECK (granted IN (0, 1)),
	CONSTRAINT pool_claim_slots_sane CHECK (slots >= 1),
	CONSTRAINT pool_claim_instance_known FOREIGN KEY(instance) REFERENCES task_instance (id),
	CONSTRAINT pool_claim_run_known FOREIGN KEY(run) REFERENCES run (id)
);

CREATE INDEX api_answer_created ON api_answer (created);

CREATE INDEX audit_object ON audit (object);

CREATE INDEX audit_who ON audit (who);

CREATE INDEX login_try_at ON login_try (at);

CREATE INDEX runner_ended ON runner (ended);

CREATE INDEX login_session_account ON login_session (account);

CREATE INDEX login_session_until ON login_session (until);

CREATE INDEX webhook_message_at ON webhook_message (at);

CREATE INDEX run_backfill ON run (backfill);

CREATE INDEX run_created_id ON run (created, id);

CREATE INDEX run_owner_state ON run (owner, state);

CREATE INDEX run_pipeline_created ON run (pipeline, created);

CREATE INDEX run_pipeline_logical_date ON run (pipeline, logical_date);

CREATE INDEX run_state_logical_date ON run (state, logical_date);

CREATE INDEX asset_update_asset_id ON asset_update (asset, id);

CREATE INDEX asset_update_run ON asset_update (run);

CREATE INDEX event_run ON event (run);

CREATE INDEX notification_state ON notification (state);

CREATE INDEX request_done_run ON request (done, run);

CREATE INDEX pool_claim_pool_granted_precedence_ready_instance ON pool_claim (pool, granted, precedence, ready, instance);

CREATE INDEX pool_claim_run ON pool_claim (run);

CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO alembic_version (version_num) VALUES ('0004');

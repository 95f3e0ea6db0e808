"""The hot statements as text, for the driver's own cursor: they cost a local run nothing but the driver.

Each equals what `tables` compiles to; a test holds both together.
"""

NEW_RUN = (
    "INSERT INTO run (id, pipeline, version, type, state, logical_date, data_interval_start, "
    "data_interval_end, tick, params, only_tasks, created, started, owner, caller) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
MOVE_RUN = (
    "UPDATE run SET state=?, ended=?, reason=?, stop=? WHERE run.id = ? AND run.state = ? AND run.owner = ?"
)
NEW_INSTANCE = (
    "INSERT INTO task_instance (id, run, task, map_index, item, state, attempts, tries, attempt, ready, "
    "retry_at, started, ended, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
EXPAND = (
    "UPDATE task_instance SET map_index=?, item=? WHERE task_instance.id = ? AND task_instance.item IS NULL"
)
UNMAP = "UPDATE task_instance SET item=NULL WHERE task_instance.id = ?"
MOVE_INSTANCE = (
    "UPDATE task_instance SET state=?, attempts=?, tries=?, attempt=?, ready=?, retry_at=?, started=?, "
    "ended=?, reason=? WHERE task_instance.id = ? AND task_instance.state = ? AND task_instance.attempts = ?"
)
NEW_ATTEMPT = (
    "INSERT INTO attempt (id, instance, number, state, runner, started, ended, exit_code, reason, message, log) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
END_ATTEMPT = (
    "UPDATE attempt SET state=?, started=?, ended=?, exit_code=?, reason=?, message=? "
    "WHERE attempt.id = ? AND attempt.state = ?"
)
FORGET = "DELETE FROM output WHERE output.instance = ?"
ANSWER = "UPDATE request SET done=?, answer=? WHERE request.id = ? AND request.done IS NULL"
END_DEFERRAL = "DELETE FROM deferral WHERE deferral.instance = ? AND deferral.attempt = ?"
NEW_DEFERRAL = "INSERT INTO deferral (instance, attempt, spec, since, until) VALUES (?, ?, ?, ?, ?)"
OUTPUT = "INSERT INTO output (instance, value) VALUES (?, ?)"
# A row that is always there: who holds it is the only one that updates assets.
ONE_BY_ONE = "SELECT version_num FROM alembic_version"
ASSET_UPDATE = "INSERT INTO asset_update (asset, run, task, at) VALUES (?, ?, ?, ?)"
NOTIFICATION = (
    "INSERT INTO notification (id, run, instance, attempt, cause, position, state, created, ended, message, "
    "owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
EVENT = "INSERT INTO event (run, instance, attempt, event, state, at, detail) VALUES (?, ?, ?, ?, ?, ?, ?)"
NEW_CLAIM = "INSERT INTO pool_claim (instance, run, pool, slots, precedence, ready) VALUES (?, ?, ?, ?, ?, ?)"
UNCLAIM = "DELETE FROM pool_claim WHERE pool_claim.instance = ?"

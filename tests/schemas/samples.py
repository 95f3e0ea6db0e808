"""Files as people write them: good ones, and bad ones each with the place where it is wrong."""

GOOD_PIPELINES = {
    "least": """
pipeline: hello
tasks:
  greet:
    bash: echo hello
""",
    "every key": """
pipeline: nightly_sales
description: Yesterday's sales of all shops.
owner: sales-data
tags: [sales, nightly]
schedule: "30 2 * * 1-5"
timezone: Europe/Berlin
start: 2026-01-01
end: 2026-12-31T18:00:00+01:00
catchup: true
max_active_runs: 2
max_active_tasks: 8
timeout: 2h
deadline: {after: 1h30m}
params:
  shop: all
  limit: {type: integer, minimum: 1, default: 10, description: How many}
  days: [1, 2]
  required_one: {type: string}
vars: {bucket: s3://sales, sizes: [1, 2], nested: {deep: null}}
env: {LANG: C.UTF-8, LEVEL: 3, DEBUG: true}
defaults:
  retries: 2
  retry_delay: 0s
  env: {A: b}
  http: {connection: shop}
  sql: {connection: warehouse}
x-notes: [whatever, {I: like}]
on_failure:
  - email: {to: [ops@example.org], subject: "{{ run.pipeline }} failed"}
    timeout: 30s
  - bash: echo "$WHO"
    env: {WHO: "{{ run.failed | tojson }}"}
on_success: {http: https://example.org/ping}
on_deadline: {notify: {to: "slack://sales", text: late}}
tasks:
  extract:
    description: From the shops' API.
    http:
      connection: shop
      path: /v1/orders
      method: POST
      query: {limit: "{{ params.limit }}", tag: [a, b]}
      headers: {Accept: application/json, X-Try: 1}
      json: {shop: "{{ params.shop }}", deep: [1, {a: null}]}
      expect: [200, 204]
      save_to: "{{ run.dir }}/orders.json"
    timeout: PT5M
    retries: 3
    retry_delay: 1.5m
    retry_backoff: 1.5
    max_retry_delay: 1h
    pool: api
    pool_slots: 2
    priority: -3
    queue: big
    on_retry: {bash: echo again}
  clean:
    needs: extract
    python: orders:clean
    args: {path: "{{ run.dir }}", limit: 10, deep: {a: [1]}}
    output: {count: integer, files: {type: array}}
    produces: [orders, s3://sales/clean]
    cache: {key: "{{ params.shop }}-{{ ds }}", ttl: 1d}
    working_dir: ./lib
    allow_failure: true
    on_lost: fail
    depends_on_past: true
    trigger_rule: none_failed_min_one_success
    when: params.shop != 'none'
    x-why: free
  count:
    needs: [clean]
    command: [wc, -l, "{{ run.dir }}/orders.json", 5]
    foreach: "{{ tasks.clean.output.files }}"
    max_active: 4
    output: array
  group:
    needs: [count, clean]
    when: true
    defaults: {timeout: 10m}
    env: {IN: group}
    foreach: [a, b, {name: c}]
    tasks:
      one: {bash: echo one}
      two:
        needs: one
        tasks:
          three: {noop: }
  part:
    use: ./templates/load.yml
    with: {table: orders, days: [1]}
  matrix:
    bash: {script: "echo {{ matrix.shop }}"}
    matrix:
      shop: [a, b]
      day: "{{ params.days }}"
      exclude: [{shop: a, day: 1}]
  prepare: {bash: make up, setup: true}
  tidy: {bash: make down, teardown_of: [prepare], needs: [matrix]}
""",
    "every operator": """
pipeline: operators
tasks:
  a: {bash: "true"}
  b: {command: ["true"]}
  c: {python: {script: "return 1", requirements: [requests]}}
  c2: {python: pkg.mod:Class.method}
  d: {http: "https://example.org/{{ ds }}"}
  d2: {http: "{{ params.url }}"}
  e: {sql: select 1}
  e2: {sql: {connection: w, file: q.sql, params: {day: "{{ ds }}"}, expect: {n: 0}, save_to: x.csv}}
  f: {copy: {from: "s3://raw/a.csv", to: {connection: w, table: a, mode: upsert, key: [id, day]}}}
  g: {docker: alpine}
  g2: {docker: {image: alpine, command: [ls], args: [-l, 3], resources: {cpu: 2}, connection: host}}
  h: {kubernetes: {image: alpine, namespace: data, resources: {limits: {cpu: 1}}}}
  i: {ssh: {connection: box, command: ls}}
  i2: {ssh: ls}
  j: {dbt: build}
  j2: {dbt: {command: run, project: ./dbt, target: prod, vars: {day: "{{ ds }}"}}}
  k: {pipeline: other, with: {a: 1}}
  k2: {pipeline: {id: other, date: "{{ logical_date | add_days(-1) }}", wait: false}}
  l: {wait: 0s}
  l2: {wait: {until: "18:00"}}
  l3: {wait: {file: "/in/{{ ds }}.csv", poke_interval: 30s, soft_fail: true}, timeout: 1h}
  l4: {wait: {http: {url: "https://example.org", expect: 200}}}
  l5: {wait: {pipeline: other, task: group.load, date: 2026-01-01}}
  l6: {wait: {python: "checks:ready"}}
  l7: {wait: {sql: {connection: w, query: select 1}}}
  m: {approval: Go on?}
  m2: {approval: {message: Go on?, form: {why: string}, approvers: [ann]}}
  n: {branch: "'a' if params.x else 'b'"}
  n2: {branch: {python: "choices:which"}}
  n3: {branch: [a, b]}
  o: {short_circuit: "tasks.e.output.rowcount > 0"}
  o2: {short_circuit: {go: true}}
  p: {email: {to: a@example.org, subject: s, text: t, html: h, attach: [f]}}
  q: {notify: {to: [slack://x, ops], text: hi}}
  r: {airflow: {operator: airflow.operators.empty.EmptyOperator, args: {a: 1}}}
  s: {noop: }
""",
    "a wait in a mapping": "{pipeline: p, tasks: {w: {wait: {delay: '{{ params.long }}'}}}}",
    "by hand": "{pipeline: p, schedule: null, tasks: {a: {noop: null}}}",
    "several cron lines": "{pipeline: p, schedule: ['0 6 * * *', '0 18 * * *'], tasks: {a: {noop: null}}}",
    "every": "{pipeline: p, schedule: {every: 15m}, tasks: {a: {noop: null}}}",
    "cron in a zone": "{pipeline: p, schedule: {cron: '0 6 * * *', timezone: UTC}, tasks: {a: {noop: }}}",
    "assets": """
pipeline: p
schedule: {assets: [a, {any: [b, {all: [c, d]}]}], cron: "0 6 * * *"}
tasks: {a: {noop: }}
""",
    "one asset": "{pipeline: p, schedule: {assets: 's3://a'}, tasks: {a: {noop: }}}",
    "times": "{pipeline: p, schedule: {at: ['2026-03-01T09:00', '2026-06-01']}, tasks: {a: {noop: }}}",
    "a deadline by the clock": "{pipeline: p, deadline: {at: '06:00'}, tasks: {a: {noop: }}}",
    "an id of 200 characters": f"{{pipeline: {'p' * 200}, tasks: {{{'t' * 200}: {{noop: }}}}}}",
    "an id with all that it may hold": "{pipeline: _a-B_9, tasks: {outputs: {noop: }, _: {noop: }}}",
    "no needs": "{pipeline: p, tasks: {a: {noop: , needs: [], trigger_rule: always}}}",
}

GOOD_TEMPLATES = {
    "least": "{template: t, tasks: {a: {bash: echo}}}",
    "every key": """
template: load_table
description: Loads one table.
params: {table: {type: string}, mode: append}
env: {A: "{{ params.table }}"}
defaults: {retries: 1}
x-free: yes it is
tasks:
  load: {bash: "./load.sh {{ params.table | sh }}"}
""",
}

GOOD_PROJECTS = {
    "empty": "",
    "nothing": "{}",
    "every key": """
pipelines: [pipelines, more/pipelines]
database: postgresql+psycopg://db.example.org/yamldag
executor: {type: dask, address: tcp://dask:8786}
defaults: {retries: 1, http: {connection: api}}
pipeline_defaults:
  owner: data
  timezone: Asia/Seoul
  catchup: none
  on_failure: {email: {to: ops@example.org}}
vars: {bucket: s3://dev}
env: {LANG: C.UTF-8}
slots: 32
pools: {db: 4, closed: 0}
connections:
  api: https://api.example.org
  warehouse: {type: postgresql, host: db, port: 5432, password: "{{ secrets.db }}"}
secrets: [db]
environments:
  prod: {vars: {bucket: s3://live}, pools: {db: 16}, database: "sqlite:///x.db"}
  empty:
plugins: [acme_operators, acme.more]
allow_env: [STAGE]
lint: {select: YD8, ignore: [YD806, no-timeout]}
x-anything: 1
""",
    "secrets with values": "{secrets: {db: hush, outside: null}}",
}

VARS = """
pipeline: p
schedule: "{{ vars.nightly }}"
catchup: "{{ vars.catchup }}"
max_active_runs: "{{ vars.runs }}"
tags: "{{ vars.tags }}"
timeout: "{{ vars.timeout }}"
tasks:
  a:
    http: {url: https://example.org, method: "{{ params.method }}", expect: "{{ params.expect }}"}
    retries: "{{ vars.retries }}"
    allow_failure: "{{ vars.lenient }}"
    trigger_rule: "{{ vars.rule }}"
    output: "{{ vars.shape }}"
"""

BAD_TASKS = [
    ("a number as a script", "bash: 5", "bash"),
    ("an empty script", "bash: ''", "bash"),
    ("no script", "bash:", "bash"),
    ("a list as a script", "bash: [echo, hi]", "bash"),
    ("an unknown parameter", "bash: {skript: echo}", "bash"),
    ("a line as a command", "command: echo hi", "command"),
    ("an empty command", "command: []", "command"),
    ("a nothing among words", "command: [echo, null]", "command.1"),
    ("a module alone", "python: rockets", "python"),
    ("a path as a module", "python: ./lib/rockets.py:get", "python"),
    ("no function", "python: 'rockets:'", "python"),
    ("a host without scheme", "http: example.org", "http"),
    ("another scheme", "http: {url: 'ftp://example.org'}", "http.url"),
    ("an unknown method", "http: {url: 'https://x.org', method: FETCH}", "http.method"),
    ("an impossible status", "http: {url: 'https://x.org', expect: 99}", "http.expect"),
    ("a status as a text", "http: {url: 'https://x.org', expect: ['200']}", "http.expect.0"),
    ("headers as a list", "http: {url: 'https://x.org', headers: [a]}", "http.headers"),
    ("an unknown mode", "copy: {from: a, to: {connection: w, table: t, mode: upsrt}}", "copy.to.mode"),
    ("an end in short form", "copy: s3://a", "copy"),
    ("a template as a pipeline's id", "pipeline: '{{ params.p }}'", "pipeline"),
    ("a bare number to wait", "wait: 10", "wait"),
    ("no unit to wait", "wait: '10'", "wait"),
    ("an unknown thing to wait for", "wait: {fiel: /x}", "wait"),
    ("an unknown key in what is waited for", "wait: {http: {ulr: 'https://x.org'}}", "wait.http"),
    ("a poke without end", "wait: {file: x, poke_interval: 0s}", "wait.poke_interval"),
    ("an impossible time", "wait: {until: '25:00'}", "wait.until"),
    ("an address without @", "email: {to: ops}", "email.to"),
    ("an e-mail in short form", "email: ops@example.org", "email"),
    ("a class without a module", "airflow: {operator: BashOperator}", "airflow.operator"),
    ("a value for noop", "noop: 1", "noop"),
    ("a misspelt key", "noop:\nretires: 2", ""),
    ("retries in words", "noop:\nretries: many", "retries"),
    ("retries in quotes", "noop:\nretries: '3'", "retries"),
    ("less than no retries", "noop:\nretries: -1", "retries"),
    ("retries without end", "noop:\nretries: 1001", "retries"),
    ("half a retry", "noop:\nretries: 1.5", "retries"),
    ("a backoff that shrinks", "noop:\nretry_backoff: 0.5", "retry_backoff"),
    ("a delay without unit", "noop:\nretry_delay: 30", "retry_delay"),
    ("a delay in words", "noop:\nretry_delay: 30 seconds", "retry_delay"),
    ("no time at all", "noop:\ntimeout: 0s", "timeout"),
    ("units in the wrong order", "noop:\ntimeout: 5m1h", "timeout"),
    ("a unit twice", "noop:\ntimeout: 5m5m", "timeout"),
    ("a negative time", "noop:\ntimeout: -5m", "timeout"),
    ("an ISO duration without time", "noop:\ntimeout: PT", "timeout"),
    ("months", "noop:\ntimeout: P1M", "timeout"),
    ("an unknown rule", "noop:\ntrigger_rule: all_sucess", "trigger_rule"),
    ("allowed in words", "noop:\nallow_failure: 'yes'", "allow_failure"),
    ("an unknown answer to loss", "noop:\non_lost: ignore", "on_lost"),
    ("a number as a condition", "noop:\nwhen: 1", "when"),
    ("a name as what is mapped", "noop:\nforeach: orders", "foreach"),
    ("an axis that is no list", "noop:\nmatrix: {shop: 3}", "matrix.shop"),
    ("an empty matrix", "noop:\nmatrix: {}", "matrix"),
    ("a bad axis", "noop:\nmatrix: {2x: [1]}", "matrix"),
    ("nothing at once", "noop:\nmax_active: 0", "max_active"),
    ("no slot", "noop:\npool_slots: 0", "pool_slots"),
    ("needs as a mapping", "noop:\nneeds: {a: b}", "needs"),
    ("a number as a need", "noop:\nneeds: [1]", "needs.0"),
    ("a list in env", "noop:\nenv: {A: [1]}", "env.A"),
    ("nothing in env", "noop:\nenv: {A: }", "env.A"),
    ("a bad name in env", "noop:\nenv: {a-b: 1}", "env"),
    ("an unknown type", "noop:\noutput: integr", "output"),
    ("a cache without key", "noop:\ncache: {ttl: 1d}", "cache"),
    ("args as a list", "noop:\nargs: [1]", "args"),
    ("a teardown of nothing", "noop:\nteardown_of: []", "teardown_of"),
    ("a list as what is used", "use: [a]", "use"),
    ("a task within a list", "tasks: [{noop: }]", "tasks"),
    ("a task that is a text", "tasks: {a: echo hi}", "tasks.a"),
    ("a task named output", "tasks: {output: {noop: }}", "tasks"),
    ("an id that begins with a digit", "tasks: {2nd: {noop: }}", "tasks"),
    ("an id with a dot", "tasks: {a.b: {noop: }}", "tasks"),
    ("an id too long", f"tasks: {{{'t' * 201}: {{noop: }}}}", "tasks"),
    ("an unknown default", "tasks: {a: {noop: }}\ndefaults: {needs: a}", "defaults"),
    ("a notification as a text", "noop:\non_failure: ops@example.org", "on_failure"),
    ("an unknown notification", "noop:\non_failure: [{mail: {to: a@b.c}}]", "on_failure.0"),
    ("a task key in a notification", "noop:\non_retry: {bash: echo, retries: 2}", "on_retry"),
]

BAD_PIPELINES = [
    ("no tasks", "pipeline: p", ""),
    ("no name", "tasks: {a: {noop: }}", ""),
    ("a bad name", "{pipeline: my pipeline, tasks: {a: {noop: }}}", "pipeline"),
    ("a name with an umlaut", "{pipeline: größe, tasks: {a: {noop: }}}", "pipeline"),
    ("a number as a name", "{pipeline: 1, tasks: {a: {noop: }}}", "pipeline"),
    ("a misspelt key", "{pipeline: p, shedule: '@daily', tasks: {a: {noop: }}}", ""),
    ("a number as a schedule", "{pipeline: p, schedule: 5, tasks: {a: {noop: }}}", "schedule"),
    ("an unknown schedule", "{pipeline: p, schedule: {evry: 5m}, tasks: {a: {noop: }}}", "schedule"),
    (
        "a schedule that stands still",
        "{pipeline: p, schedule: {every: 0m}, tasks: {a: {noop: }}}",
        "schedule.every",
    ),
    (
        "assets both ways",
        "{pipeline: p, schedule: {assets: {any: [a], all: [b]}}, tasks: {a: {noop: }}}",
        "schedule.assets",
    ),
    ("a start in words", "{pipeline: p, start: tomorrow, tasks: {a: {noop: }}}", "start"),
    ("a start the other way round", "{pipeline: p, start: 01.02.2026, tasks: {a: {noop: }}}", "start"),
    ("an unknown catchup", "{pipeline: p, catchup: some, tasks: {a: {noop: }}}", "catchup"),
    ("no runs", "{pipeline: p, max_active_runs: 0, tasks: {a: {noop: }}}", "max_active_runs"),
    ("a null param", "{pipeline: p, params: {a: null}, tasks: {a: {noop: }}}", "params.a"),
    ("a bad param name", "{pipeline: p, params: {a b: 1}, tasks: {a: {noop: }}}", "params"),
    ("vars as a list", "{pipeline: p, vars: [a], tasks: {a: {noop: }}}", "vars"),
    ("tags as a text", "{pipeline: p, tags: sales, tasks: {a: {noop: }}}", "tags"),
    ("a task key", "{pipeline: p, retries: 2, tasks: {a: {noop: }}}", ""),
    ("retries of a run", "{pipeline: p, on_retry: {bash: x}, tasks: {a: {noop: }}}", ""),
]

BAD_PROJECTS = [
    ("a misspelt key", "{pipelnes: [a]}", ""),
    ("pools in words", "{pools: {db: four}}", "pools.db"),
    ("a scheduler without slots", "{slots: 0}", "slots"),
    ("a negative pool", "{pools: {db: -1}}", "pools.db"),
    ("a secret that is no name", "{secrets: [a b]}", "secrets.0"),
    ("environments within one", "{environments: {prod: {environments: {}}}}", "environments.prod"),
    ("tasks in a pipeline's defaults", "{pipeline_defaults: {tasks: {}}}", "pipeline_defaults"),
    ("a path as a plug-in", "{plugins: [./plug.py]}", "plugins.0"),
    ("a code of another tool", "{lint: {ignore: [E501]}}", "lint.ignore.0"),
    ("a database that is a path", "{database: /var/state.db}", "database"),
    ("a number as a connection", "{connections: {db: 5}}", "connections.db"),
]

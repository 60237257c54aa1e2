"""Stand-ins for SQL engines, for what the real ones cannot be made to show: states, pages, broken connections, throttling, refusals.

`FakeTrino` speaks Trino's client protocol (POST /v1/statement, nextUri, DELETE), `StubAthena` the JSON protocol of Athena and Glue in
the shapes that AWS documents. Both ask a function of the test what a statement gives: a dict with columns [(name, type)], rows, kind,
count, or {"error": ...}. Neither knows SQL."""

import contextlib
import http.server
import itertools
import json
import re
import ssl
import subprocess
import threading


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def certificates(place):
    """An authority (ca.pem), a server's certificate for 127.0.0.1 (server.pem) and a client's (client.pem, client.key)."""
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=place, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    for name in ("server", "client"):
        (place / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext")


@contextlib.contextmanager
def serving(engine, certificates=None, wants_client=False):
    """Serves an engine on a free port of 127.0.0.1; engine.port is set. With a folder of certificates it speaks TLS."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with engine.lock:
                answer = engine.answer(self.command, self.path, self.headers, body)
            if answer is None:  # the connection breaks before the answer
                self.close_connection = True
                return
            status, headers, data = answer
            data = data if isinstance(data, bytes) else json.dumps(data).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_HEAD = handle_any

    server = Server(("127.0.0.1", 0), Handler)
    engine.port = server.server_address[1]
    if certificates:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        if wants_client:
            tls.verify_mode = ssl.CERT_REQUIRED
            tls.load_verify_locations(certificates / "ca.pem")
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        engine.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        server.server_close()


class FakeTrino:
    """@param handle  function(sql) -> result. Rows come PAGE at a time. `faults`: one entry is taken by each request: None, a status,
    or "lost" (the connection breaks)."""
    PAGE = 2

    def __init__(self, handle):
        self.handle, self.lock, self.port, self.scheme = handle, threading.Lock(), 0, "http"
        self.statements, self.requests, self.cancelled, self.faults = [], [], [], []
        self.queries, self.results, self.ids, self.never_ends = {}, {}, itertools.count(1), False

    def url(self, query, page):
        return f"{self.scheme}://127.0.0.1:{self.port}/v1/statement/executing/{query}/{page}"

    def answer(self, method, path, headers, body):
        self.requests.append((method, path, dict(headers)))
        fault = self.faults.pop(0) if self.faults else None
        if fault == "lost":
            return None
        if fault:
            return fault, {}, b"busy"
        if method == "POST":
            query = f"20200531_000000_{next(self.ids):05}_fake"
            self.statements.append(body.decode())
            self.queries[query] = body.decode()
            return 200, {}, {"id": query, "nextUri": self.url(query, 0), "stats": {"state": "QUEUED"}}
        query, page = path.split("/")[-2], int(path.split("/")[-1])
        if method == "DELETE":
            self.cancelled.append(query)
            return 204, {}, b""
        return self.page(query, page)

    def page(self, query, page):
        answer = {"id": query, "stats": {"state": "RUNNING", "physicalInputBytes": 1000 * page, "elapsedTimeMillis": 5}}
        if self.never_ends and page > 0:
            return 200, {}, {**answer, "nextUri": self.url(query, page + 1)}
        if page == 0:  # planned, without rows yet
            return 200, {}, {**answer, "nextUri": self.url(query, 1)}
        if query not in self.results:
            self.results[query] = self.handle(self.queries[query])
        result = self.results[query]
        if "error" in result:
            return 200, {}, {**answer, "error": {"errorCode": 1, "errorType": "USER_ERROR", "failureInfo": {"type": "x"}, **result["error"]}}
        rows = result.get("rows", [])
        if result.get("columns"):
            answer["columns"] = [{"name": name, "type": kind} for name, kind in result["columns"]]
        piece = rows[(page - 1) * self.PAGE:page * self.PAGE]
        if piece:
            answer["data"] = piece
        if "kind" in result:
            answer.update(updateType=result["kind"], updateCount=result.get("count", 0))
        if page * self.PAGE < len(rows):
            answer["nextUri"] = self.url(query, page + 1)
        else:
            answer["stats"]["state"] = "FINISHED"
        return 200, result.get("headers", {}), answer


class StubAthena:
    """Athena and Glue. Statements that make, drop and rename tables and views are followed in `tables` (schema, name) -> kind, which
    GetTable answers from; everything else is asked of `handle`. `faults`: action -> list of error codes, one per call."""
    PAGE = 2

    def __init__(self, handle=None, states=("QUEUED", "RUNNING")):
        self.handle, self.states = handle or (lambda sql: {}), list(states)
        self.lock, self.port, self.ids = threading.Lock(), 0, itertools.count(1)
        self.statements, self.started, self.calls, self.stopped = [], [], [], []
        self.tables, self.databases, self.executions, self.tokens, self.faults = {}, set(), {}, {}, {}
        self.never_ends, self.has_files = False, False

    def answer(self, _method, _path, headers, body):
        if "X-Amz-Target" not in headers:
            return self.object(_method, _path, headers)
        service, action = headers["X-Amz-Target"].split(".")
        request = json.loads(body)
        self.calls.append((action, request))
        fault = self.faults.get(action, [])
        code = fault.pop(0) if fault else None
        if code:
            return 400, {"Content-Type": "application/x-amz-json-1.1"}, {"__type": f"com.amazonaws.athena#{code}", "message": f"said {code}"}
        status, answer = getattr(self, f"do_{action}")(request)
        return status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "r-1"}, answer

    # ---- S3: the result file of a query, when the test wants one

    def object(self, method, path, headers):
        run = self.executions.get(path.split("/")[-1].removesuffix(".csv")) if self.has_files else None
        self.calls.append((method, path))
        if run is None:
            return 404, {}, b""
        rows = [[name for name, _ in run["result"]["columns"]], *run["result"]["rows"]]
        quoted = ('"' + str(value).replace('"', '""') + '"' if value is not None else "" for row in rows for value in row)
        width = len(rows[0])
        data = "".join(text + (",", "\n")[i % width == width - 1] for i, text in enumerate(quoted)).encode()
        if method == "HEAD":
            return 200, {"ETag": '"e"', "X-Length": str(len(data)), "Last-Modified": "Wed, 01 Jan 2020 00:00:00 GMT"}, data
        first, last = re.match(r"bytes=(\d+)-(\d+)", headers["Range"]).groups()
        part = data[int(first):int(last) + 1]
        return 206, {"ETag": '"e"', "Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"}, part

    # ---- Athena

    def do_StartQueryExecution(self, request):
        token = request["ClientRequestToken"]
        if token not in self.tokens:
            identity = f"00000000-0000-0000-0000-{next(self.ids):012}"
            self.tokens[token] = identity
            self.statements.append(request["QueryString"])
            self.started.append(request)
            self.executions[identity] = {"sql": request["QueryString"], "asked": 0, "result": None}
        return 200, {"QueryExecutionId": self.tokens[token]}

    def do_GetQueryExecution(self, request):
        run = self.executions[request["QueryExecutionId"]]
        run["asked"] += 1
        status = {"SubmissionDateTime": 1.6e9}
        if run.get("stopped"):
            state = "CANCELLED"
        elif self.never_ends or run["asked"] <= len(self.states):
            state = self.states[min(run["asked"], len(self.states)) - 1]
        else:
            run["result"] = run["result"] or self.run(run["sql"])
            state = "FAILED" if "error" in run["result"] else "SUCCEEDED"
        if state == "FAILED":
            reason = run["result"]["error"]
            status.update(StateChangeReason=reason, AthenaError={"ErrorCategory": run["result"].get("category", 2), "ErrorType": 233,
                          "Retryable": run["result"].get("retryable", False), "ErrorMessage": reason})
        word = run["sql"].split()[0].upper()
        kind = "DDL" if word in ("CREATE", "DROP", "ALTER") and not re.search(r"create table[^;]*\bas\n", run["sql"]) else "UTILITY" if word in ("SHOW", "DESCRIBE") else "DML"
        return 200, {"QueryExecution": {
            "QueryExecutionId": request["QueryExecutionId"], "Query": run["sql"], "StatementType": kind,
            "SubstatementType": (run["result"] or {}).get("kind", word), "Status": {"State": state, **status},
            "ResultConfiguration": {"OutputLocation": f"s3://b/{request['QueryExecutionId']}.csv"}, "WorkGroup": "primary",
            "Statistics": {"EngineExecutionTimeInMillis": 7, "TotalExecutionTimeInMillis": 9,
                           "DataScannedInBytes": (run["result"] or {}).get("scanned", 25_000_000)}}}

    def do_GetQueryResults(self, request):
        result = self.executions[request["QueryExecutionId"]]["result"]
        columns, rows = result.get("columns", []), list(result.get("rows", []))
        if columns and not result.get("has_no_header"):
            rows.insert(0, [name for name, _ in columns])
        first = int(request.get("NextToken") or 0)
        page = rows[first:first + self.PAGE]
        info = []
        for name, kind in columns:
            found = re.match(r"decimal\((\d+), ?(\d+)\)", kind)
            info.append({"CatalogName": "hive", "Name": name, "Label": name, "Type": "decimal" if found else re.sub(r"\(.*?\)", "", kind),
                         "Precision": int(found[1]) if found else 0, "Scale": int(found[2]) if found else 0, "Nullable": "UNKNOWN"})
        answer = {"ResultSet": {"Rows": [{"Data": [{} if value is None else {"VarCharValue": str(value)} for value in row]} for row in page],
                                "ResultSetMetadata": {"ColumnInfo": info}}}
        if "count" in result:
            answer["UpdateCount"] = result["count"]
        if first + self.PAGE < len(rows):
            answer["NextToken"] = str(first + self.PAGE)
        return 200, answer

    def do_StopQueryExecution(self, request):
        self.stopped.append(request["QueryExecutionId"])
        self.executions[request["QueryExecutionId"]]["stopped"] = True
        return 200, {}

    def run(self, sql):
        result = self.handle(sql)
        if "error" not in result:
            self.follow(sql)
        return result

    def follow(self, sql):
        name = r'(?:"awsdatacatalog"\.)?["`](\w+)["`]\.["`](\w+)["`]'
        for pattern, act in [
            (rf"create table {name}", lambda m: self.tables.update({(m[1], m[2]): "EXTERNAL_TABLE"})),
            (rf"create or replace view {name}", lambda m: self.tables.update({(m[1], m[2]): "VIRTUAL_VIEW"})),
            (rf"drop (?:table|view) if exists {name}", lambda m: self.tables.pop((m[1], m[2]), None)),
            (rf"alter table {name} rename to {name}", lambda m: self.tables.update({(m[3], m[4]): self.tables.pop((m[1], m[2]))})),
            (r"create schema if not exists `(\w+)`", lambda m: self.databases.add(m[1])),
        ]:
            found = re.match(pattern, sql, re.I)
            if found:
                act(found)

    # ---- Glue

    def missing(self, what):
        return 400, {"__type": "EntityNotFoundException", "Message": f"{what} not found."}

    def do_GetDatabase(self, request):
        return (200, {"Database": {"Name": request["Name"]}}) if request["Name"] in self.databases else self.missing("Database")

    def do_GetTable(self, request):
        kind = self.tables.get((request["DatabaseName"], request["Name"]))
        if kind is None:
            return self.missing("Entity")
        return 200, {"Table": {"Name": request["Name"], "DatabaseName": request["DatabaseName"], "TableType": kind, "VersionId": "3",
                               "CreateTime": 1.6e9, "IsRegisteredWithLakeFormation": False, "Parameters": {"table_type": "ICEBERG", "metadata_location": "s3://b/m"},
                               "StorageDescriptor": {"Columns": [{"Name": "n", "Type": "int"}], "Location": "s3://b/t"}}}

    def do_GetTables(self, request):
        names = sorted(name for schema, name in self.tables if schema == request["DatabaseName"])
        first = int(request.get("NextToken") or 0)
        answer = {"TableList": [{"Name": name, "TableType": self.tables[request["DatabaseName"], name]} for name in names[first:first + 1]]}
        return 200, {**answer, **({"NextToken": str(first + 1)} if first + 1 < len(names) else {})}

    def do_UpdateTable(self, request):
        return 200, {}

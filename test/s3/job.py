"""Stands in for a Spark job whose store is in a bucket: reads and writes by the jobs' own functions, without Spark.

`python job.py PARAMS.json LOG`. Writes 10 rows of Parquet per output, of what its inputs hold; settings.attempts says how each attempt ends.
"""

import sys

import pyarrow as pa
import pyarrow.parquet as pq

from sparkjobs.documents import locate, read_document, write_document
from sparkjobs.footers import check_file
from sparkjobs.parquet_files import write_file

SCHEMA = pa.schema([("step", pa.string()), ("n", pa.int64())])

params = read_document(sys.argv[1])
with open(sys.argv[2], "a") as log:
    log.write(f"{params['step']}/{params['attempt']}\n")
settings = params["settings"]
attempts = settings.get("attempts", [])
plan = attempts[params["attempt"] - 1] if params["attempt"] <= len(attempts) else "succeed"
if plan == "error":
    sys.exit(1)

write_document(params["progressPath"], {"stage": "reading"}, durable=False)
seen = 0
for input_ in params["inputs"].values():
    for file in input_["files"]:
        check_file(input_["dataset"], file)
        filesystem, path = locate(file["path"])
        with filesystem.open_input_file(path) as stream:
            seen += len(stream.read()) if input_["format"] == "csv" else pq.read_table(stream).num_rows

outputs = {}
for role, output in params["outputs"].items():
    rows = pa.table({"step": [params["step"]] * 10, "n": [seen + settings.get("add", 0)] * 10}, SCHEMA)
    entry = write_file(output["path"], "part-0.parquet", SCHEMA, [rows])
    filesystem, path = locate(f"{output['path']}/part-0.parquet")
    if plan == "delete":
        filesystem.delete_file(path)
    if plan in ("cut", "change"):
        with filesystem.open_input_file(path) as stream:
            whole = stream.read()
        with filesystem.open_output_stream(path) as stream:
            stream.write(whole[:-1] + (b"" if plan == "cut" else b"!"))
    columns = [{"name": "step", "type": "string"}, {"name": "n", "type": "bigint"}]
    outputs[role] = {"files": [entry], "rows": 10, "columns": columns}
write_document(
    params["resultPath"],
    {"protocol": params["protocol"], "outputs": outputs, "metrics": {"seen": seen}, "tables": [], "notes": []},
)

"""The evaluation of offer ranking as a SparkJob: from lines, campaigns and redemptions to the recall of each ranker."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkjobs.failure import InputError
from sparkjobs.job import Job
from sparkjobs.lines import as_id, check_columns_exist
from sparkjobs.offer_evaluation import earlier_rounds, evaluated, tuned
from sparkjobs.offer_evaluation_report import report, report_round, report_tuning
from sparkjobs.offer_records import Records, records_of, round_at
from sparkjobs.offers import campaigns_of, local_day
from sparkjobs.scorer import Scorer, load_scorer
from sparkjobs.sequences import day_number
from sparkjobs.visits import histories, visits

SCHEMA = (
    "ranker string, metric string, campaigns string, offers string, value double, lower double, upper double, "
    "rankings bigint, entities bigint"
)
ROLES = {
    "items": ("key", "category", "texts"),
    "campaigns": ("campaign", "start", "end", "type"),
    "coupons": ("campaign", "coupon", "item"),
    "targets": ("campaign", "entity"),
    "redemptions": ("entity", "campaign", "coupon", "day"),
}
# Without an input and columns for these, every entity is in each campaign, as for the offers.
OPTIONAL = "targets"
REMEDY = "See settings of job-specs/offer-evaluation.yaml"


@dataclass(frozen=True)
class Settings:
    """`settings` of the SparkJob; days are local."""

    day: date  # nothing of this day or later is known
    tune_from: date  # campaigns that begin from here to before `day` pick parameters
    until: date  # redemptions before it count
    tops: list[int]
    exposed_types: list[str]
    tables: dict[str, Any]
    date_format: str | None  # Spark pattern of the days in the tables when they are text
    seed: int

    @staticmethod
    def of(settings: dict[str, Any], inputs: Collection[str]) -> "Settings":
        """Raises InputError for what is missing or no day, and for days that do not follow each other."""
        missing = sorted({"day", "tuneFrom", "until", "tables"} - settings.keys())
        if missing:
            raise InputError(f"Cannot evaluate offers: settings.{missing[0]} is missing", REMEDY)
        for table, roles in ROLES.items():
            if table == OPTIONAL and table not in settings["tables"] and table not in inputs:
                continue
            absent = [role for role in roles if role not in settings["tables"].get(table, {})]
            if absent:
                raise InputError(f"Cannot evaluate offers: settings.tables.{table}.{absent[0]} is missing", REMEDY)
        tops = settings.get("top", [16])
        if not tops or not all(isinstance(k, int) and k > 0 for k in tops):
            raise InputError(f"Cannot evaluate offers: settings.top is {tops}, not a list of whole numbers", REMEDY)
        try:
            first, day, until = (date.fromisoformat(settings[name]) for name in ("tuneFrom", "day", "until"))
        except (TypeError, ValueError) as error:
            raise InputError(f"Cannot evaluate offers: a day of settings is no date ({error})", REMEDY) from error
        if not first < day < until:
            told = f"tuneFrom {first}, day {day}, until {until}"
            raise InputError(f"Cannot evaluate offers: the days do not follow each other ({told})", "Put them in order")
        exposed = settings.get("exposedTypes", [])
        date_format, seed = settings.get("dateFormat"), settings.get("seed", 0)
        return Settings(day, first, until, tops, exposed, settings["tables"], date_format, seed)


def main(job: Job) -> None:
    """Tunes on earlier campaigns, ranks those that begin from settings.day on, writes its output `evaluation`."""
    settings = Settings.of(job.settings, job.document["inputs"])
    job.stage("reading visits, campaigns and redemptions")
    records = read_records(job, settings)
    scorer = earlier_scorer(job, settings)
    day, until = day_number(settings.day), day_number(settings.until)
    job.stage("tuning on earlier campaigns")
    picked = tuned(earlier_rounds(records, day_number(settings.tune_from), day), settings.exposed_types, settings.tops)
    report_tuning(job, picked)
    job.stage("ranking offers")
    starts = records.campaigns["start"]
    campaigns = records.campaigns.loc[(starts >= day) & (starts < until), "campaign"].tolist()
    round_ = round_at(records, campaigns, day, until)
    report_round(job, round_)
    trial = evaluated(round_, settings.exposed_types, settings.tops, scorer)
    if len(trial.campaigns) == 0:
        raise InputError(
            f"Cannot evaluate offers: nobody redeemed any of campaigns {', '.join(campaigns)} before {settings.until}",
            "Choose days with redemptions",
        )
    rows = trial.rows(settings.seed)
    job.write("evaluation", job.spark.createDataFrame(rows, SCHEMA))
    report(job, trial, rows)


def read_records(job: Job, settings: Settings) -> Records:
    """All tables; of the lines only those before settings.day are ever read. Without targets every entity with a visit
    before that day is in each campaign.
    """
    day, tables = settings.day.isoformat(), settings.tables
    job.spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    lines = job.input("lines", keep=lambda partition: partition.get("date", "") < day)
    lines = lines.filter(F.col("date") < F.lit(settings.day)).dropna(subset=["entity", "visit", "item"])
    names = {role: tables["campaigns"][role] for role in ROLES["campaigns"]}
    campaigns = campaigns_of(_raw(job, "campaigns", tables), names, settings.date_format)
    bounds = [F.unix_date(name).alias(name) for name in ("start", "end")]
    redeemed = F.unix_date(local_day(tables["redemptions"]["day"], settings.date_format)).alias("day")
    found = {
        "lines": lines.select("entity", "visit", "item", F.unix_date("date").alias("day")).distinct().toPandas(),
        "histories": histories(visits(lines), settings.day).toPandas().sort_values("entity", ignore_index=True),
        "items": _items(job, tables),
        "campaigns": campaigns.select("campaign", "type", *bounds).dropna(subset=["start", "end"]).toPandas(),
        "coupons": _ids(job, "coupons", tables, ("campaign", "coupon", "item")).toPandas(),
        "redemptions": _ids(job, "redemptions", tables, ("entity", "campaign", "coupon"), redeemed).toPandas(),
    }
    if OPTIONAL in tables:
        found[OPTIONAL] = _ids(job, "targets", tables, ("campaign", "entity")).toPandas()
    else:
        job.note(f"No table of targets: everyone with a visit before {day} is in each campaign")
    return records_of(found)


def _raw(job: Job, role: str, tables: dict[str, Any]) -> DataFrame:
    """An input whose columns are those that settings.tables names."""
    raw = job.input(role)
    wanted = {f"tables.{role}.{of}": name for of, name in tables[role].items() if isinstance(name, str)}
    wanted |= {
        f"tables.{role}.{of}": name for of, names in tables[role].items() if isinstance(names, list) for name in names
    }
    check_columns_exist(wanted, raw.columns, role)
    return raw


def _ids(job: Job, role: str, tables: dict[str, Any], ids: tuple[str, ...], *more: Column) -> DataFrame:
    """Ids as text, and `more`; a row that lacks any of them is left out."""
    columns = [as_id(tables[role][name]).alias(name) for name in ids]
    return _raw(job, role, tables).select(*columns, *more).dropna()


def _items(job: Job, tables: dict[str, Any]) -> pd.DataFrame:
    """item, category, text: of an item listed twice the first category by name counts, as for the offers."""
    of = tables["items"]
    text = F.concat_ws(" ", *(F.col(f"`{name}`") for name in of["texts"]))
    raw = _raw(job, "items", tables).select(
        as_id(of["key"]).alias("item"), as_id(of["category"]).alias("category"), F.nullif(text, F.lit("")).alias("text")
    )
    return (
        raw.dropna(subset="item")
        .groupBy("item")
        .agg(F.min("category").alias("category"), F.min("text").alias("text"))
        .toPandas()
    )


def earlier_scorer(job: Job, settings: Settings) -> Scorer | None:
    """The scorer of the input `scorer`, if the job has one. Raises InputError when it saw settings.day or later."""
    if not job.has("scorer"):
        job.note("Likings by counts fitted on what each day knows, as the job has no input scorer")
        return None
    folder = job.input_folder("scorer")
    fitted_before = check_cut(json.loads((folder / "scorer.json").read_text()), settings.day)
    scorer = load_scorer(folder)
    job.note(f"Likings by {scorer.name}, fitted on the visits before {fitted_before}")
    return scorer


def check_cut(document: dict[str, Any], day: date) -> str:
    """Day before which the scorer of this scorer.json was fitted; raises InputError when that is after `day`."""
    split = document.get("lineage", {}).get("settings", {}).get("split", {})
    if split.get("test", "9999") <= day.isoformat():
        return split["test"]
    raise InputError(
        f"Cannot rank offers of {day} by the published scorer: it was fitted on the visits before "
        f"{split.get('test', 'a day it does not tell')}, so it knows what is to be foretold",
        "Train with split.test on that day or earlier, or leave out inputs.scorer",
    )

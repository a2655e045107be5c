"""Makes a second retailer, a German drugstore chain with nothing in common with the first one but what one can buy.

    python test/second-retailer/generate.py OUTDIR --seed 1

writes a year of purchases as semicolon CSV: ids are text, times are Berlin wall clock (dd.MM.yyyy HH:mm:ss), amounts
have a decimal comma, a row is one piece (there is no quantity), the item table is Latin-1, several columns have nulls,
no table says who is targeted, and what was redeemed is known by its day only. The same seed gives the same bytes.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

FIRST_DAY = np.datetime64("2023-01-02")
DAYS = 360
CUSTOMERS = 320
SHOPS = 9
# Germans put the clocks back on 29 October 2023; shops are closed on Sundays.
SUNDAY = 6

WARES = {
    "Windeln": (7.95, ["Größe 2", "Größe 3", "Größe 4", "Größe 5"]),
    "Babynahrung": (1.25, ["Karotte", "Apfel", "Pastinake", "Griesbrei", "Birne"]),
    "Babypflege": (2.95, ["Öl", "Puder", "Feuchttücher"]),
    "Shampoo": (2.45, ["Repair", "Volumen", "Anti-Schuppen", "Kinder"]),
    "Haarfarbe": (5.95, ["Blond", "Kastanie", "Schwarz"]),
    "Duschgel": (1.65, ["Meer", "Zitrone", "Sport", "Sensitiv"]),
    "Seife": (0.95, ["Lavendel", "Olive", "Flüssig"]),
    "Zahnpflege": (1.95, ["Zahncreme", "Bürste", "Seide", "Spülung"]),
    "Deodorant": (2.25, ["Roller", "Spray", "Creme"]),
    "Gesichtspflege": (6.95, ["Tagescreme", "Nachtcreme", "Serum", "Maske"]),
    "Make-up": (8.45, ["Lippenstift", "Mascara", "Puder", "Rouge"]),
    "Parfüm": (29.95, ["Damen", "Herren"]),
    "Rasur": (9.95, ["Klingen", "Schaum", "Balsam"]),
    "Sonnenschutz": (7.45, ["LSF 30", "LSF 50", "After Sun"]),
    "Waschmittel": (4.95, ["Color", "Voll", "Fein"]),
    "Putzmittel": (1.85, ["Bad", "Küche", "Glas", "Boden"]),
    "Spülmittel": (1.15, ["Hand", "Tabs", "Salz"]),
    "Papier": (3.45, ["Toilette", "Küche", "Taschentücher"]),
    "Müllbeutel": (1.75, ["20 Liter", "35 Liter"]),
    "Kerzen": (2.65, ["Duft", "Tee"]),
    "Tee": (2.15, ["Kamille", "Pfefferminz", "Grün", "Fenchel"]),
    "Müsli": (2.85, ["Schoko", "Nuss", "Frucht"]),
    "Riegel": (0.85, ["Nuss", "Protein", "Frucht"]),
    "Süßwaren": (1.45, ["Gummi", "Schokolade", "Lakritz"]),
    "Vitamine": (3.95, ["C", "D", "Magnesium", "Zink"]),
    "Erkältung": (4.45, ["Bonbons", "Salbe", "Bad"]),
    "Verband": (2.05, ["Pflaster", "Binde"]),
    "Katzenfutter": (0.65, ["Huhn", "Lachs", "Rind", "Trocken"]),
    "Hundefutter": (1.35, ["Dose", "Trocken", "Snack"]),
    "Fotos": (0.15, ["10x15", "Poster"]),
    "Batterien": (4.15, ["AA", "AAA"]),
    "Sekt": (4.75, ["Trocken", "Rosé"]),
    "Tabakwaren": (7.6, ["Zigaretten", "Drehtabak"]),
    "Geschenkkarten": (25.0, ["25 Euro", "50 Euro"]),
}
BRANDS = ["Alma", "Birke", "Cora", "Dahlia", "Eule", "Föhn"]

# What a kind of customer puts into the basket more than others do; days between visits; pieces in a basket.
KINDS = [
    (0.22, ["Windeln", "Babynahrung", "Babypflege", "Papier", "Waschmittel"], 6, 5.0),
    (0.22, ["Gesichtspflege", "Make-up", "Shampoo", "Haarfarbe", "Parfüm", "Deodorant"], 13, 3.0),
    (0.20, ["Katzenfutter", "Hundefutter", "Putzmittel", "Spülmittel", "Müllbeutel"], 9, 3.5),
    (0.20, ["Tee", "Müsli", "Vitamine", "Riegel", "Süßwaren", "Erkältung"], 16, 2.5),
    (0.16, ["Rasur", "Zahnpflege", "Duschgel", "Batterien"], 33, 1.8),
]


def items(rng: np.random.Generator) -> pd.DataFrame:
    """Artikel, Bezeichnung, Warengruppe: one row per item; one in fifty has no group."""
    rows = [
        (f"{brand} {group} {kind}", group, price * rng.uniform(0.7, 1.6))
        for group, (price, kinds) in WARES.items()
        for kind in kinds
        for brand in BRANDS
        if rng.random() < 0.7
    ]
    table = pd.DataFrame(rows, columns=["Bezeichnung", "Warengruppe", "Preis"])
    table.insert(0, "Artikel", [f"A-{number:05d}" for number in rng.permutation(len(table)) + 10000])
    table["Gruppe"] = table["Warengruppe"]
    table.loc[rng.random(len(table)) < 0.02, "Warengruppe"] = None
    return table


def visit_days(rng: np.random.Generator, gap: float) -> np.ndarray:
    """Days of a customer's visits from a renewal process; some customers come late, some stop early."""
    first, last = 0, DAYS
    if rng.random() < 0.15:
        first = int(rng.integers(60, 250))
    if rng.random() < 0.15:
        last = int(rng.integers(120, 300))
    steps = rng.gamma(2.0, gap / 2.0, size=int(2 * DAYS / gap) + 10)
    days = np.unique(first + np.cumsum(steps).astype(int))
    return days[(days < last) & ((days + FIRST_DAY.astype(object).weekday()) % 7 != SUNDAY)]


def lines(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """Kunde, Bon, Zeitpunkt, Artikel, Filiale, Betrag, Rabatt, one row per piece, in order of time."""
    groups = list(WARES)
    by_group = {group: part.index.to_numpy() for group, part in table.groupby("Gruppe")}
    price = table["Preis"].to_numpy()
    common = rng.dirichlet(np.full(len(groups), 0.8))
    shares = np.array([kind[0] for kind in KINDS])
    rows = []
    for customer in range(CUSTOMERS):
        _, liked, gap, pieces = KINDS[rng.choice(len(KINDS), p=shares / shares.sum())]
        taste = 0.35 * common + 0.65 * np.where(np.isin(groups, liked), 1.0, 0.0) / len(liked)
        taste = rng.dirichlet(taste * 25 + 0.02)
        # Everyone has one favourite item in a group and mostly stays with it.
        favourite = {group: rng.choice(indices) for group, indices in by_group.items()}
        home, hour = int(rng.integers(SHOPS)), float(rng.choice([9.5, 12.5, 17.5]))
        for day in visit_days(rng, gap * rng.uniform(0.7, 1.5)):
            shop = home if rng.random() < 0.85 else int(rng.integers(SHOPS))
            minute = int(np.clip(rng.normal(hour, 1.3), 8, 19.9) * 60)
            for group in rng.choice(groups, size=1 + rng.poisson(pieces - 1), p=taste):
                item = favourite[group] if rng.random() < 0.7 else rng.choice(by_group[group])
                off = round(price[item] * 0.2, 2) if rng.random() < 0.12 else 0.0
                rows.append((customer, day, minute, int(rng.integers(60)), item, shop, price[item] - off, off))
    names = ["customer", "day", "minute", "second", "item", "shop", "amount", "off"]
    return pd.DataFrame(rows, columns=names).sort_values(["day", "minute", "customer"], kind="stable")


def receipts(rng: np.random.Generator, made: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The lines as the tills write them: text throughout, empty where nothing is known."""
    visit = made.groupby(["day", "minute", "customer"], sort=False).ngroup().to_numpy()
    # A till stamps a receipt once.
    second = made.groupby(visit)["second"].transform("first")
    moment = (
        FIRST_DAY + made["day"].to_numpy().astype("timedelta64[D]") + made["minute"].to_numpy().astype("timedelta64[m]")
    )
    stamp = pd.to_datetime(moment + second.to_numpy().astype("timedelta64[s]"))
    anonymous = rng.random(visit.max() + 1)[visit] < 0.04
    no_shop = rng.random(len(made)) < 0.01
    return pd.DataFrame(
        {
            "Kunde": made["customer"].map("K-{:04d}".format).mask(anonymous),
            "Bon": [f"B{number:07d}" for number in visit],
            "Zeitpunkt": stamp.strftime("%d.%m.%Y %H:%M:%S"),
            "Artikel": table["Artikel"].to_numpy()[made["item"]],
            "Filiale": made["shop"].map("F{:02d}".format).mask(no_shop),
            "Betrag": [_comma(amount) for amount in made["amount"]],
            "Rabatt": [_comma(off) if off else None for off in made["off"]],
        }
    )


def _comma(amount: float) -> str:
    return f"{amount:.2f}".replace(".", ",")


def campaigns(rng: np.random.Generator, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Aktion, Art, von, bis and Aktion, Gutschein, Artikel: a campaign every three weeks, each coupon for one group."""
    actions, coupons = [], []
    number = 0
    for index, start in enumerate(range(10, DAYS, 21)):
        name = f"AKT-{index + 1:02d}"
        first = FIRST_DAY + np.timedelta64(start, "D")
        last = first + np.timedelta64(int(rng.integers(20, 50)), "D")
        art = [None, "Flugblatt", "App"][int(rng.choice(3, p=[0.1, 0.5, 0.4]))]
        actions.append((name, art, *(pd.Timestamp(day).strftime("%d.%m.%Y") for day in (first, last))))
        for group in rng.choice(list(WARES), size=22, replace=False):
            number += 1
            of_group = table[table["Gruppe"] == group]["Artikel"].to_numpy()
            size = min(len(of_group), int(rng.integers(2, 9)))
            coupons += [(name, f"G-{number:04d}", item) for item in rng.choice(of_group, size=size, replace=False)]
        if index % 2 and number > 30:
            # A coupon that runs on in the next campaign.
            coupons += [(name, code, item) for _, code, item in coupons if code == f"G-{number - 30:04d}"]
    return (
        pd.DataFrame(actions, columns=["Aktion", "Art", "von", "bis"]),
        pd.DataFrame(coupons, columns=["Aktion", "Gutschein", "Artikel"]),
    )


def redemptions(
    rng: np.random.Generator, made: pd.DataFrame, table: pd.DataFrame, actions: pd.DataFrame, coupons: pd.DataFrame
) -> pd.DataFrame:
    """Kunde, Aktion, Gutschein, Tag: who came while a campaign was on redeems, mostly of groups that he buys."""
    groups = list(WARES)
    group_of = table.set_index("Artikel")["Gruppe"]
    bought = made.groupby(["customer", table["Gruppe"].to_numpy()[made["item"]]]).size().unstack(fill_value=0)
    liked = bought.reindex(columns=groups, fill_value=0).div(bought.sum(axis=1), axis=0)
    days = made.groupby("customer")["day"].unique()
    rows = []
    for action in actions.itertuples(index=False):
        first, last = (pd.to_datetime(day, format="%d.%m.%Y").to_datetime64() for day in (action.von, action.bis))
        begin, end = ((day - FIRST_DAY).astype("timedelta64[D]").astype(int) for day in (first, last))
        offered = coupons[coupons["Aktion"] == action.Aktion].drop_duplicates("Gutschein")
        columns = [groups.index(group_of[item]) for item in offered["Artikel"]]
        for customer, visits in days.items():
            there = visits[(visits >= begin) & (visits <= end)]
            draws = rng.random(len(columns))
            if len(there) == 0:
                continue
            chance = np.minimum(0.6, 0.01 + 1.5 * liked.loc[customer].to_numpy()[columns])
            taken = offered["Gutschein"].to_numpy()[draws < chance]
            rows += [(customer, action.Aktion, code, int(rng.choice(there))) for code in taken]
    found = pd.DataFrame(rows, columns=["customer", "Aktion", "Gutschein", "day"])
    found = found.sort_values(["day", "customer", "Aktion", "Gutschein"], ignore_index=True)
    stamp = pd.to_datetime(FIRST_DAY + found["day"].to_numpy().astype("timedelta64[D]"))
    return pd.DataFrame(
        {
            "Kunde": found["customer"].map("K-{:04d}".format),
            "Aktion": found["Aktion"],
            "Gutschein": found["Gutschein"],
            "Tag": stamp.strftime("%d.%m.%Y"),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for the CSV files; made when absent")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    table = items(rng)
    pieces = lines(rng, table)
    made = receipts(rng, pieces, table)
    actions, coupons = campaigns(rng, table)
    # Drawn on their own, so that the other tables stay as they are.
    redeemed = redemptions(np.random.default_rng([options.seed, 1]), pieces, table, actions, coupons)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, frame, encoding in [
        ("kassenbons.csv", made, "utf-8"),
        ("artikel.csv", table[["Artikel", "Bezeichnung", "Warengruppe"]], "latin-1"),
        ("aktionen.csv", actions, "utf-8"),
        ("gutscheine.csv", coupons, "utf-8"),
        ("einloesungen.csv", redeemed, "utf-8"),
    ]:
        frame.to_csv(options.out / name, sep=";", index=False, encoding=encoding, lineterminator="\n")
        print(f"{options.out / name}: {len(frame)} rows")


if __name__ == "__main__":
    main()

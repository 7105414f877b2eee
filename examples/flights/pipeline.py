"""Departure delays from New York in 2013: six memoized stages, table to figure."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from cleaning import (
    WEATHER_COLUMNS,
    cyclic,
    drop_cancelled,
    fill_weather_gaps,
    parse_hour,
    read_table,
)
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rememo import memoize
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

# Delays beyond this count as this much in the summary.
DELAY_CAP_MINUTES = 180

TARGET = "dep_delay"

Summary = dict[str, dict[str, list[Any]]]


@memoize
def load_and_clean() -> pd.DataFrame:
    """Read every flight of 2013 and keep the ones that were flown."""
    flights = drop_cancelled(read_table("flights.csv.zip"))
    flights = flights.assign(time_hour=parse_hour(flights["time_hour"]))
    columns = ["time_hour", "month", "day", "hour", "minute", "carrier", "tailnum"]
    columns += ["origin", "dest", "distance", "dep_delay", "arr_delay"]
    return flights[columns].reset_index(drop=True)


@memoize
def join_weather(flights: pd.DataFrame) -> pd.DataFrame:
    """Attach the weather at the origin in the hour of scheduled departure."""
    weather = read_table("weather.csv")
    weather = weather.assign(time_hour=parse_hour(weather["time_hour"]))
    weather = fill_weather_gaps(weather).drop_duplicates(["origin", "time_hour"])
    observed = weather[["origin", "time_hour", *WEATHER_COLUMNS]]
    return flights.merge(observed, on=["origin", "time_hour"], how="left")


@memoize
def engineer_features(joined: pd.DataFrame) -> pd.DataFrame:
    """Turn flights into a numeric table: schedule, weather, aircraft, route."""
    planes = read_table("planes.csv").set_index("tailnum")
    airports = read_table("airports.csv").set_index("faa")
    start = joined["hour"] + joined["minute"] / 60
    date = pd.to_datetime(joined[["month", "day"]].assign(year=2013))
    features = pd.concat(
        [
            joined[["hour", "distance", *WEATHER_COLUMNS]],
            cyclic(start, 24, "clock"),
            cyclic(date.dt.dayofyear, 365, "season"),
            cyclic(date.dt.dayofweek, 7, "weekday"),
            pd.get_dummies(joined[["origin", "carrier"]], dtype=float),
        ],
        axis=1,
    )
    return features.assign(
        plane_age=2013 - joined["tailnum"].map(planes["year"]),
        plane_seats=joined["tailnum"].map(planes["seats"]),
        dest_lat=joined["dest"].map(airports["lat"]),
        dest_lon=joined["dest"].map(airports["lon"]),
        day_of_year=date.dt.dayofyear,
        dep_delay=joined[TARGET],
    )


def build_model(name: str, seed: int) -> Pipeline | HistGradientBoostingRegressor:
    """Build an unfitted regressor by name."""
    if name == "ridge":
        return make_pipeline(SimpleImputer(), StandardScaler(), Ridge(alpha=1.0))
    return HistGradientBoostingRegressor(
        max_iter=200, learning_rate=0.08, early_stopping=False, random_state=seed
    )


def score_fold(
    name: str, sample: pd.DataFrame, train: np.ndarray, test: np.ndarray, seed: int
) -> dict[str, float]:
    """Fit one model on one fold; return its errors on the held-out days."""
    inputs = sample.drop(columns=[TARGET, "day_of_year"])
    target = sample[TARGET]
    model = build_model(name, seed).fit(inputs.iloc[train], target.iloc[train])
    predicted = model.predict(inputs.iloc[test])
    return {
        "mae": float(mean_absolute_error(target.iloc[test], predicted)),
        "r2": float(r2_score(target.iloc[test], predicted)),
    }


@memoize
def cross_validate(
    features: pd.DataFrame, sample_size: int = 60_000, folds: int = 5, seed: int = 13
) -> pd.DataFrame:
    """Score two models on whole days they have not seen.

    Folds are groups of days, since flights on one day share its weather. One
    thread keeps sums in one order, so repeated runs agree to the last bit.
    """
    sample = features.sample(sample_size, random_state=seed)
    splits = list(GroupKFold(folds).split(sample, groups=sample["day_of_year"]))
    with threadpool_limits(limits=1):
        rows = [
            {"model": name, "fold": i, **score_fold(name, sample, train, test, seed)}
            for name in ("ridge", "boosting")
            for i, (train, test) in enumerate(splits)
        ]
    return pd.DataFrame(rows)


@memoize
def summarise(features: pd.DataFrame, scores: pd.DataFrame) -> Summary:
    """Reduce the flights and the scores to the numbers the figure shows."""
    capped = features[TARGET].clip(upper=DELAY_CAP_MINUTES)
    by_hour = capped.groupby(features["hour"]).agg(["mean", "count"]).reset_index()
    humid = pd.cut(features["humid"], [0, 40, 60, 80, 100], labels=False)
    by_humidity = capped.groupby(humid).mean().reset_index(name="mean")
    errors = scores.groupby("model")[["mae", "r2"]].mean().reset_index()
    tables = {"by_hour": by_hour, "by_humidity": by_humidity, "errors": errors}
    return {name: table.to_dict(orient="list") for name, table in tables.items()}


def draw_bars(
    axes: Axes,
    labels: Sequence[object],
    heights: Sequence[float],
    xlabel: str,
    ylabel: str,
) -> None:
    """Draw one labelled bar chart."""
    axes.bar([str(label) for label in labels], heights, color="#33658a")
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.spines[["top", "right"]].set_visible(False)


@memoize
def draw_figure(summary: Summary) -> bytes:
    """Draw delay by hour, delay by humidity and model error; return a PNG."""
    figure = Figure(figsize=(11, 3.4), dpi=120, layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[3, 1.5, 1])
    hours, humidity = summary["by_hour"], summary["by_humidity"]
    delay = "mean departure delay (min)"
    draw_bars(left, hours["hour"], hours["mean"], "scheduled hour", delay)
    bands = ["0-40", "40-60", "60-80", "80-100"]
    draw_bars(middle, bands, humidity["mean"], "relative humidity (%)", delay)
    errors = summary["errors"]
    draw_bars(right, errors["model"], errors["mae"], "model", "held-out MAE (min)")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()

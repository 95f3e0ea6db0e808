"""Forecasts in the shape of the Open-Meteo API: the same for the same place and hour."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from pipelines.standin.answer import Answer, data

PATH = "/v1/forecast"
SLOW_NORTH_OF, SILENT_SOUTH_OF = 64.0, -60.0
"""Far north the answer takes its time; far south there are no stations, and every value is null."""


def forecast(query: dict[str, str], now: datetime, asked: int) -> Answer:
    """Hourly temperature and rain from today's midnight on. The very first request is a 503."""
    try:
        latitude, longitude = float(query["latitude"]), float(query["longitude"])
        days = int(query.get("forecast_days", 7))
    except KeyError as missing:
        return _wrong(f"Parameter '{missing.args[0]}' is required.")
    except ValueError:
        return _wrong("Data corrupted: a number could not be read.")
    if not -90 <= latitude <= 90:
        return _wrong(f"Latitude must be in range of -90 to 90°. Given: {latitude}.")
    if not 0 < days <= 16:
        return _wrong(f"Forecast days is invalid. Allowed range 0 to 16. Given {days}.")
    if asked == 1:
        return data({"error": True, "reason": "The service is starting."}, status=503)
    return data(_series(latitude, longitude, days, now), slow=latitude > SLOW_NORTH_OF)


def _wrong(reason: str) -> Answer:
    return data({"error": True, "reason": reason}, status=400)


def _series(latitude: float, longitude: float, days: int, now: datetime) -> dict[str, object]:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    hours = [midnight + timedelta(hours=hour) for hour in range(24 * days)]
    silent = latitude < SILENT_SOUTH_OF
    return {
        "latitude": latitude,
        "longitude": longitude,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 38.0,
        "hourly_units": {"time": "iso8601", "temperature_2m": "°C", "precipitation": "mm"},
        "hourly": {
            "time": [f"{hour:%Y-%m-%dT%H:%M}" for hour in hours],
            "temperature_2m": [None if silent else _temperature(latitude, longitude, hour) for hour in hours],
            "precipitation": [None if silent else _rain(longitude, hour) for hour in hours],
        },
    }


def _temperature(latitude: float, longitude: float, hour: datetime) -> float | None:
    """Warm by day, cool by night, and a gap where the station was read too late."""
    if hour.hour == 3 and hour.day % 2:
        return None
    sun = math.cos((hour.hour + longitude / 15 - 14) / 24 * 2 * math.pi)
    season = -math.cos(hour.timetuple().tm_yday / 365 * 2 * math.pi) * latitude / 5
    return round(27 - abs(latitude) / 2.2 + 5 * sun + season + 2 * math.sin(hour.day), 1)


def _rain(longitude: float, hour: datetime) -> float:
    return round(max(0.0, 3 * math.sin(hour.toordinal() + hour.hour / 9 + longitude) - 1.8), 1)

"""Settings: every TRADING_* variable and vendor key, validated once, never printed."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from trading_assets.errors import ConfigurationError

PREFIX = "TRADING_"
SourceName = Literal["polygon", "yahoo", "alpaca"]
Mode = Literal["sim", "paper", "live"]
HOURLY_MINUTES = 30
"""A source of hourly bars must have answered for all symbols after so long."""
ALL_SOURCES: tuple[SourceName, ...] = get_args(SourceName)
ASKED_BY_SYMBOL: frozenset[SourceName] = frozenset({"polygon", "yahoo"})
"""Sources that hourly bars are asked of symbol by symbol; the others answer for many at once."""
EVENLY_PACED: frozenset[SourceName] = frozenset({"yahoo"})
"""Sources that are asked evenly: they publish no quota, and bursts are what they block."""


class Settings(BaseSettings):
    """All configuration, from the environment and ``.env``; ``.env.example`` documents each key."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,  # a line of .env.example without its comment sign, KEY=, means not set
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    mode: Mode = "sim"
    live_account: str | None = None
    data: Path = Path("data")
    sources: Annotated[tuple[SourceName, ...], NoDecode] = ALL_SOURCES
    database_url: SecretStr | None = None
    lake: str | None = None
    user_timezone: str = "America/Chicago"
    start: date = date(2000, 1, 3)
    history_sessions: int = Field(
        default=504, ge=1, description="sessions of history that `up` keeps complete"
    )
    data_delay_minutes: int = Field(
        default=30, ge=0, description="a session's daily bars may be used this long after its close"
    )
    polygon_per_minute: int = Field(
        default=5, ge=0, description="requests a minute to Polygon; the free plan allows 5; 0 = no limit"
    )
    alpaca_per_minute: int = Field(
        default=200,
        ge=0,
        description="requests a minute to Alpaca's data; the basic plan allows 200; 0 = no limit",
    )
    yahoo_per_minute: int = Field(
        default=120, ge=0, description="requests a minute to Yahoo, evenly spaced; 0 = no limit"
    )
    alpaca_feed: Literal["sip", "iex"] = Field(
        default="sip", description="consolidated tape, or one exchange (about 2 % of the volume)"
    )
    look_back_sessions: int = Field(
        default=5,
        ge=0,
        description="sessions before the latest whose bars are fetched again each time, for late vendor corrections",
    )
    hourly_symbols: int = Field(
        default=500,
        ge=0,
        description="hourly bars are kept for so many of the most traded symbols, and for what is held; 0 = none",
    )
    hourly_history_sessions: int = Field(
        default=20, ge=1, description="sessions of hourly bars that `up` keeps complete"
    )
    hourly_sources: Annotated[tuple[SourceName, ...] | None, NoDecode] = Field(
        default=None,
        description="sources of hourly bars; unset: those of TRADING_SOURCES whose pace answers within half an hour",
    )
    raw_keep_days: int = Field(
        default=0, ge=0, description="days after which raw vendor bodies may be removed; 0 = kept for ever"
    )
    quality: Path | None = Field(
        default=None, description="YAML file with data-quality thresholds; unset: the defaults"
    )
    strategies: Path | None = Field(
        default=None, description="YAML file with strategies, capital and limits; unset: the shipped one"
    )
    local_model: str | None = Field(
        default=None, description="an Ollama model that may be asked for a screener's query; unset: never"
    )
    local_model_url: str = Field(
        default="http://127.0.0.1:11434", pattern=r"^https?://[^/?#]+$", description="where Ollama listens"
    )
    dagster_port: int = Field(default=3000, ge=0, le=65535)
    app_port: int = Field(default=8501, ge=0, le=65535)

    sim_url: str | None = Field(
        default=None, description="a simulator that runs already, e.g. http://127.0.0.1:9009"
    )
    sim_seed: int = 7
    sim_symbols: int = Field(default=500, ge=1, le=10_000)
    sim_years: int = Field(default=3, ge=1, le=20)
    sim_replay: Path | None = None
    sim_at: datetime | None = Field(
        default=None, description="instant at which a fixed simulator clock starts"
    )
    first_sessions: int = Field(
        default=20,
        ge=0,
        description="sessions that the first `up` of a simulated market trades one by one, up to the present; 0 = none",
    )
    sim_cash_usd: float = Field(default=100_000.0, gt=0)

    alpaca_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("ALPACA_API_KEY", "alpaca_api_key")
    )
    alpaca_secret_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("ALPACA_SECRET_KEY", "alpaca_secret_key")
    )
    polygon_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("POLYGON_API_KEY", "polygon_api_key")
    )

    @field_validator("sources", "hourly_sources", mode="before")
    @classmethod
    def _split_sources(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("sources", "hourly_sources")
    @classmethod
    def _check_sources(cls, value: tuple[SourceName, ...] | None) -> tuple[SourceName, ...] | None:
        if value is None:
            return None
        if not value:
            raise ValueError("name at least one of polygon, yahoo, alpaca")
        if len(set(value)) != len(value):
            raise ValueError("names a source twice")
        return value

    @field_validator("user_timezone")
    @classmethod
    def _check_timezone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("is not an IANA time zone such as America/Chicago")
        return value

    @field_validator("sim_at")
    @classmethod
    def _check_zone(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a zone, e.g. 2016-06-29T22:00:00Z")
        return value

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @model_validator(mode="after")
    def _check_mode(self) -> Settings:
        if self.mode == "live" and not self.live_account:
            raise ValueError("TRADING_MODE=live also needs TRADING_LIVE_ACCOUNT=<your Alpaca account number>")
        if self.mode != "live" and self.live_account:
            raise ValueError("TRADING_LIVE_ACCOUNT is set but TRADING_MODE is not live: unset one of them")
        strangers = sorted({*(self.hourly_sources or ())} - {*self.sources})
        if strangers:
            raise ValueError(
                f"TRADING_HOURLY_SOURCES names {', '.join(strangers)}, which TRADING_SOURCES does not"
            )
        if self.mode != "sim" and (self.sim_url or self.sim_replay):
            raise ValueError("TRADING_SIM_URL and TRADING_SIM_REPLAY only go with TRADING_MODE=sim")
        return self

    @cached_property
    def lake_root(self) -> Path:
        """Folder of the Parquet lake."""
        if self.lake and "://" in self.lake:
            raise ConfigurationError("TRADING_LAKE must be a local folder in this version", lake=self.lake)
        return Path(self.lake).expanduser().resolve() if self.lake else self.data / "lake"

    @cached_property
    def hourly_bar_sources(self) -> tuple[SourceName, ...]:
        """Sources of hourly bars, best first: those named, else those that can answer in time.

        Polygon and Yahoo are asked once a symbol, so a slow pace rules them out; Alpaca is asked for many symbols at once.
        """
        if not self.hourly_symbols:
            return ()
        if self.hourly_sources is not None:
            return self.hourly_sources
        in_time = HOURLY_MINUTES if self.mode != "sim" else 0
        return tuple(
            name
            for name in self.sources
            if not (in_time and name in ASKED_BY_SYMBOL and (pace := self.per_minute(name)))
            or self.hourly_symbols <= pace * in_time
        )

    def per_minute(self, source: SourceName) -> int:
        """Return the requests a minute that a source is asked at most; 0 for no limit."""
        return int(getattr(self, f"{source}_per_minute"))

    @cached_property
    def data_delay(self) -> timedelta:
        """How long after its end a bar is final."""
        return timedelta(minutes=self.data_delay_minutes)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Zone in which times are shown to the user."""
        return ZoneInfo(self.user_timezone)


def _fix(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        name = str(item["loc"][0]) if item["loc"] else ""
        key = name.upper() if name.lower().endswith("_key") else f"{PREFIX}{name.upper()}"
        reason = item["msg"].removeprefix("Value error, ")
        lines.append(f"{key}: {reason}" if name else reason)
    return "; ".join(lines)


def _unknown_keys(env_file: Path | None) -> list[str]:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    names = set(os.environ)  # noqa: TID251 (this module is the one place that reads the environment)
    if env_file and env_file.is_file():
        for line in env_file.read_text(encoding="utf-8").splitlines():
            name, separator, _ = line.strip().removeprefix("export ").partition("=")
            if separator and not name.startswith("#"):
                names.add(name.strip())
    return sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in known)


def load_settings(*, env_file: Path | None = Path(".env"), **overrides: object) -> Settings:
    """Read and validate the settings.

    Parameters
    ----------
    env_file
        File with ``KEY=value`` lines, read after the environment; ``None`` for none.
    **overrides
        Field values that win over the environment (used by tests and command options).

    Raises
    ------
    ConfigurationError
        On an unknown ``TRADING_*`` key or a bad or contradictory value; names the key and the fix.
    """
    unknown = _unknown_keys(env_file)
    if unknown:
        raise ConfigurationError(f"Unknown setting {', '.join(unknown)}: see .env.example for the known ones")
    try:
        return Settings(_env_file=env_file, **overrides)  # type: ignore[call-arg,arg-type] # pydantic-settings adds _env_file at run time
    except ValidationError as error:
        raise ConfigurationError(_fix(error)) from error

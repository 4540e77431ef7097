"""Company tables: the ten kinds of company data as dated snapshots; one constant a table, grain in each."""

from __future__ import annotations

from trading_assets.table import Table

COMPANY_TABLES: dict[str, Table] = {}

"""`python -m trading_assets`: the same as the command `trading-assets`."""

from trading_assets.cli import app

app(prog_name="trading-assets")

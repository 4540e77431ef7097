"""One data folder holds one kind of market data."""

from __future__ import annotations

import pytest

from resources.local_services import claim_folder
from trading_assets.errors import ConfigurationError
from trading_assets.settings import load_settings


def settings(folder, mode):
    return load_settings(env_file=None, data=folder, mode=mode)


def test_a_folder_with_simulated_data_is_refused_to_paper_trading(tmp_path):
    claim_folder(settings(tmp_path / "data", "sim"))
    claim_folder(settings(tmp_path / "data", "sim"))
    with pytest.raises(ConfigurationError, match=r"simulated market data .* set TRADING_DATA"):
        claim_folder(settings(tmp_path / "data", "paper"))


def test_a_folder_with_real_data_is_refused_to_the_simulator(tmp_path):
    claim_folder(settings(tmp_path / "data", "paper"))
    with pytest.raises(ConfigurationError, match="real market data"):
        claim_folder(settings(tmp_path / "data", "sim"))

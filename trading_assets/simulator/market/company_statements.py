"""Statements of a synthetic company: income, balance and cash flow by quarter that agree with each other to the dollar."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from trading_assets.simulator.market.tape import Floats

_THOUSAND = 1000.0
Part = Callable[[str, float, float], float]
"""Draws the share of something that belongs to a company: purpose, least, most."""


def statements(
    level: Floats, noise: Floats, paid: Floats, part: Part
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return flows and stocks by Yahoo's name of the line, in USD.

    Parameters
    ----------
    level
        Level of yearly sales at each quarter.
    noise
        Sales of each quarter as a multiple of a quarter of that.
    paid
        Cash dividends of each quarter.
    part
        Draws of the company.
    """
    stocks = _balance(level, part)
    flows = _income(level, noise, stocks, part)
    flows |= _cash_flow(flows, stocks, paid)
    return flows, stocks


def _balance(level: Floats, part: Part) -> dict[str, Floats]:
    cash = _thousands(level * part("cash", 0.08, 0.3))
    receivables = _thousands(level * part("receivables", 0.06, 0.14))
    inventory = _thousands(level * part("inventory", 0.0, 0.1))
    other_current = _thousands(level * 0.03)
    plant_share, goodwill_share = part("plant", 0.2, 0.6), part("goodwill", 0.0, 0.4)
    plant = _thousands(level * plant_share)
    goodwill = _thousands(level * goodwill_share)
    other_fixed = _thousands(level * 0.05)
    payables = _thousands(level * 0.08)
    current_debt = _thousands(level * 0.02)
    long_debt = _thousands(level * part("debt", 0.0, 0.4) * (plant_share + goodwill_share))
    other_liabilities = _thousands(level * part("other liabilities", 0.05, 0.12))
    current_assets = cash + receivables + inventory + other_current
    current_liabilities = payables + current_debt
    assets = current_assets + plant + goodwill + other_fixed
    liabilities = current_liabilities + long_debt + other_liabilities
    equity = assets - liabilities
    capital_stock = np.full(len(level), rounded_thousands(0.05 * equity[0]))
    return {
        "CashAndCashEquivalents": cash,
        "EndCashPosition": cash,
        "CashCashEquivalentsAndShortTermInvestments": cash,
        "AccountsReceivable": receivables,
        "Receivables": receivables,
        "Inventory": inventory,
        "OtherCurrentAssets": other_current,
        "CurrentAssets": current_assets,
        "NetPPE": plant,
        "GoodwillAndOtherIntangibleAssets": goodwill,
        "OtherNonCurrentAssets": other_fixed,
        "TotalNonCurrentAssets": plant + goodwill + other_fixed,
        "TotalAssets": assets,
        "AccountsPayable": payables,
        "Payables": payables,
        "CurrentDebt": current_debt,
        "CurrentLiabilities": current_liabilities,
        "LongTermDebt": long_debt,
        "OtherNonCurrentLiabilities": other_liabilities,
        "TotalNonCurrentLiabilitiesNetMinorityInterest": long_debt + other_liabilities,
        "TotalLiabilitiesNetMinorityInterest": liabilities,
        "TotalDebt": current_debt + long_debt,
        "NetDebt": current_debt + long_debt - cash,
        "CapitalStock": capital_stock,
        "CommonStock": capital_stock,
        "RetainedEarnings": equity - capital_stock,
        "StockholdersEquity": equity,
        "CommonStockEquity": equity,
        "TotalEquityGrossMinorityInterest": equity,
        "TotalCapitalization": equity + long_debt,
        "InvestedCapital": equity + current_debt + long_debt,
        "TangibleBookValue": equity - goodwill,
        "NetTangibleAssets": equity - goodwill,
        "WorkingCapital": current_assets - current_liabilities,
    }


def _income(level: Floats, noise: Floats, stocks: Mapping[str, Floats], part: Part) -> dict[str, Floats]:
    revenue = _thousands(level / 4.0 * noise)
    earning = part("earning", 0.0, 1.0)
    pretax_margin = part("loss", -0.12, -0.01) if earning < 0.1 else 0.04 + 0.2 * earning
    research_share, overhead_share = part("research", 0.0, 0.15), part("overhead", 0.08, 0.2)
    cost_share = 1.0 - min(0.9, pretax_margin + research_share + overhead_share + 0.01)
    cost = _thousands(revenue * cost_share * (1.0 + 0.25 * (noise - 1.0)))
    research = _thousands(level / 4.0 * research_share)
    overhead = _thousands(level / 4.0 * overhead_share)
    depreciation = _thousands(stocks["NetPPE"] * 0.02)
    gross = revenue - cost
    operating = gross - research - overhead
    interest = _thousands(_before(stocks["TotalDebt"]) * 0.045 / 4.0)
    interest_income = _thousands(_before(stocks["CashAndCashEquivalents"]) * 0.02 / 4.0)
    pretax = operating - interest + interest_income
    tax = _thousands(np.maximum(pretax, 0.0) * 0.21)
    net = pretax - tax
    return {
        "TotalRevenue": revenue,
        "OperatingRevenue": revenue,
        "CostOfRevenue": cost,
        "ReconciledCostOfRevenue": cost,
        "GrossProfit": gross,
        "ResearchAndDevelopment": research,
        "SellingGeneralAndAdministration": overhead,
        "OperatingExpense": research + overhead,
        "TotalExpenses": cost + research + overhead,
        "OperatingIncome": operating,
        "TotalOperatingIncomeAsReported": operating,
        "InterestExpense": interest,
        "InterestIncome": interest_income,
        "NetInterestIncome": interest_income - interest,
        "PretaxIncome": pretax,
        "TaxProvision": tax,
        "NetIncome": net,
        "NetIncomeCommonStockholders": net,
        "DilutedNIAvailtoComStockholders": net,
        "NetIncomeContinuousOperations": net,
        "NetIncomeIncludingNoncontrollingInterests": net,
        "NormalizedIncome": net,
        "ReconciledDepreciation": depreciation,
        "EBIT": pretax + interest,
        "EBITDA": pretax + interest + depreciation,
        "NormalizedEBITDA": pretax + interest + depreciation,
    }


def _cash_flow(income: Mapping[str, Floats], stocks: Mapping[str, Floats], paid: Floats) -> dict[str, Floats]:
    change = {name: values - _before(values) for name, values in stocks.items()}
    net, depreciation = income["NetIncome"], income["ReconciledDepreciation"]
    other_working = change["OtherNonCurrentLiabilities"] - change["OtherCurrentAssets"]
    working = other_working + change["Payables"] - change["Receivables"] - change["Inventory"]
    operating = net + depreciation + working
    plant = -(change["NetPPE"] + depreciation)
    businesses, other_investing = (
        -change["GoodwillAndOtherIntangibleAssets"],
        -change["OtherNonCurrentAssets"],
    )
    investing = plant + businesses + other_investing
    stock = change["StockholdersEquity"] - net + paid
    financing = change["TotalDebt"] - paid + stock
    return {
        "NetIncomeFromContinuingOperations": net,
        "DepreciationAndAmortization": depreciation,
        "ChangeInReceivables": -change["Receivables"],
        "ChangeInInventory": -change["Inventory"],
        "ChangeInPayable": change["Payables"],
        "ChangeInOtherWorkingCapital": other_working,
        "ChangeInWorkingCapital": working,
        "OperatingCashFlow": operating,
        "CashFlowFromContinuingOperatingActivities": operating,
        "CapitalExpenditure": np.minimum(plant, 0.0),
        "NetPPEPurchaseAndSale": plant,
        "NetBusinessPurchaseAndSale": businesses,
        "NetOtherInvestingChanges": other_investing,
        "InvestingCashFlow": investing,
        "NetIssuancePaymentsOfDebt": change["TotalDebt"],
        "CashDividendsPaid": -paid,
        "NetCommonStockIssuance": stock,
        "FinancingCashFlow": financing,
        "ChangesInCash": operating + investing + financing,
        "FreeCashFlow": operating + np.minimum(plant, 0.0),
    }


def _before(values: Floats) -> Floats:
    # the quarter before the first one kept is never shown: it stands for itself
    return np.concatenate([values[:1], values[:-1]])


def _thousands(values: Floats) -> Floats:
    rounded: Floats = np.rint(values / _THOUSAND) * _THOUSAND
    return rounded


def rounded_thousands(value: float) -> float:
    """Round an amount to thousands of dollars, as statements do."""
    return float(round(value / _THOUSAND) * _THOUSAND)

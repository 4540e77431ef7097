"""Simulator: its clock and market, and what it does wrong on request, each rule switched on and off here; ``sim`` mode only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import streamlit as st

from app import formatting
from app.components.page_frame import empty
from app.queries import simulator
from app.queries.installation import reopen, settings
from resources.services.simulator_admin import PlantedRules, SimulatorHealth, Subject
from trading_assets.errors import TransientError, VendorRefusedError
from trading_assets.settings import ALL_SOURCES

SHOWN_RULES = 30
ANY_VENDOR = "Any vendor"
TITLES: dict[Subject, str] = {"faults": "Faults of the transport", "dirt": "Wrong data"}
WAITS = frozenset({"429", "503"})
"""Fault kinds that send Retry-After."""


def show() -> None:
    """Show the simulator's clock and market, then fault rules, then dirt rules."""
    try:
        health, faults, dirt = simulator.health(), simulator.planted("faults"), simulator.planted("dirt")
    except TransientError as error:
        st.warning(f"**{error.message}**", icon=":material/cloud_off:")
        empty(
            "Its rules cannot be shown or changed now.",
            "See `logs/simulator.log` in the data folder; `trading-assets doctor` examines it, and `trading-assets up` "
            "starts it. With `TRADING_SIM_URL` set, start that one: `trading-assets simulate`.",
        )
        st.button("Look again", icon=":material/refresh:", on_click=reopen, key="op_sim_again")
        return
    show_health(health)
    for subject, planted, ask in (("faults", faults, ask_fault), ("dirt", dirt, ask_dirt)):
        st.subheader(TITLES[subject], anchor=False)  # type: ignore[index] # the two subjects
        listed, form = st.columns([4, 3], gap="medium")
        with listed:
            show_rules(subject, planted)  # type: ignore[arg-type] # the two subjects
        with form:
            ask(planted.kinds)


def show_health(health: SimulatorHealth) -> None:
    """Show what time it is in the simulator and which market it plays."""
    market = dict(health.market)
    kind = market.pop("kind", "market")
    told = (
        ("Simulator's clock", formatting.instant(health.now, settings().zone), f"{health.clock} clock"),
        ("Market", kind, " · ".join(f"{name.replace('_', ' ')} {value}" for name, value in market.items())),
        ("Sessions", f"{health.first_session} to {health.last_session}", f"{health.symbols:,} symbols, delisted ones included"),
    )  # fmt: skip
    with st.container(border=True):
        for slot, (label, value, more) in zip(st.columns(len(told)), told, strict=True):
            slot.caption(label)
            slot.markdown(f"**{value}**  \n{more}")


def show_rules(subject: Subject, planted: PlantedRules) -> None:
    """List the rules that are switched on, newest first, each with a button that removes it."""
    if not planted.rules:
        empty("Nothing goes wrong here at present.", "Switch a rule on in the form.")
        return
    older = len(planted.rules) - SHOWN_RULES
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(
            f"On: {len(planted.rules):,}, until removed, over a restart too"
            + (f". Shown: the newest {SHOWN_RULES}" if older > 0 else "")
        )
        if st.button("Remove all", key=f"op_sim_{subject}_none", icon=":material/delete_sweep:"):
            switch_off(subject, None)
    for rule in planted.rules[: -SHOWN_RULES - 1 : -1]:
        meaning = planted.kinds.get(rule["kind"], "")
        head, use = fault_words(rule, meaning) if subject == "faults" else dirt_words(rule)
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container():
                st.markdown(f"{head}  \n{meaning}")
                st.caption(use)
            if st.button("Remove", key=f"op_sim_{subject}_{rule['id']}", icon=":material/delete:"):
                switch_off(subject, rule["id"])


def fault_words(rule: Mapping[str, Any], meaning: str) -> tuple[str, str]:
    """Say what a fault rule is about, and how often it was seen and used."""
    parts = [
        f"**{rule['kind']}**",
        rule["vendor"] or ANY_VENDOR.lower(),
        f"`{rule['match']}`",
        rule["method"],
    ]
    if rule["after"]:
        parts.append(f"after {rule['after']:,} requests")
    if rule["probability"] < 1:
        parts.append(f"{formatting.percent(rule['probability'], 0)} of them")
    if rule["kind"] in WAITS:
        parts.append(f"Retry-After {rule['retry_after']:g} s")
    if "`seconds`" in meaning:
        parts.append(f"{rule['seconds']:g} s")
    used_up = " (used up)" if rule["used"] >= rule["times"] else ""
    use = f"Requests that match: {rule['seen']:,} seen, {rule['used']:,} of {rule['times']:,} used{used_up}"
    return " · ".join(filter(None, parts)), use


def dirt_words(rule: Mapping[str, Any]) -> tuple[str, str]:
    """Say what a dirt rule is about, and how many answers it changed."""
    days = rule["session"] or "all sessions"
    parts = [
        f"**{rule['kind']}**", rule["vendor"] or ANY_VENDOR.lower(), rule["symbol"] or "all symbols",
        f"{days} to {rule['until']}" if rule["session"] and rule["until"] else days,
    ]  # fmt: skip
    if rule["share"] < 1:
        parts.append(f"{formatting.percent(rule['share'], 0)} of the symbols")
    parts += [f"{name} {rule[name]}" for name in ("factor", "hour", "other") if rule[name] is not None]
    limit = f" of {rule['times']:,}" if rule["times"] is not None else ""
    return " · ".join(parts), f"Answers changed: {rule['used']:,}{limit}"


def ask_fault(kinds: Mapping[str, str]) -> None:
    """Ask for a fault rule with the fields that its kind uses, and switch it on."""
    kind = ask_kind("faults", kinds)
    with st.form(f"op_sim_faults_{kind}", border=True):
        st.caption(kinds[kind])
        rule: dict[str, object] = {"kind": kind, "vendor": ask_vendor("faults")}
        rule["match"] = st.text_input(
            "Path", ".", key="op_sim_match", help="A regular expression, searched for in /path?query; `.` is every request",
        )  # fmt: skip
        first, second = st.columns(2)
        rule["times"] = first.number_input("Times", 1, value=1, key="op_sim_times", help="How many requests go wrong")  # fmt: skip
        rule["after"] = second.number_input("After", 0, value=0, key="op_sim_after", help="How many matching requests pass before")  # fmt: skip
        third, fourth = st.columns(2)
        rule["probability"] = third.number_input(
            "Probability", 0.0, 1.0, 1.0, 0.05, key="op_sim_probability", help="Share of the requests due that go wrong, 0 to 1"
        )  # fmt: skip
        if kind in WAITS:
            rule["retry_after"] = fourth.number_input(
                "Retry-After (seconds)", 0.0, value=1.0, key="op_sim_wait"
            )
        if "`seconds`" in kinds[kind]:
            rule["seconds"] = fourth.number_input("Seconds", 0.0, value=5.0, key="op_sim_seconds")
        if st.form_submit_button("Switch on", icon=":material/bolt:", key="op_sim_fault_on"):
            switch_on("faults", rule)


def ask_dirt(kinds: Mapping[str, str]) -> None:
    """Ask for a dirt rule with the fields that its kind uses, and plant it."""
    kind = ask_kind("dirt", kinds)
    uses = kinds[kind]
    with st.form(f"op_sim_dirt_{kind}", border=True):
        st.caption(uses)
        left, right = st.columns(2)
        with left:
            vendor = ask_vendor("dirt")
        symbol = right.text_input("Symbol", key="op_sim_symbol", placeholder="All symbols").strip()
        rule: dict[str, object] = {"kind": kind, "vendor": vendor, "symbol": symbol or None}
        first, second = st.columns(2)
        rule["session"] = ask_day(first, "Session", "All sessions without one")
        rule["until"] = ask_day(second, "Until", "The session alone without one")
        third, fourth = st.columns(2)
        rule["share"] = third.number_input(
            "Share", 0.0, 1.0, None, 0.05, key="op_sim_share", placeholder="Default", help="Share of the symbols, 0 to 1"
        )  # fmt: skip
        if "`factor`" in uses:
            rule["factor"] = fourth.number_input(
                "Factor", value=None, key="op_sim_factor", placeholder="Default"
            )
        if "`hour`" in uses:
            rule["hour"] = fourth.number_input("Hour (New York)", 0, 23, None, key="op_sim_hour", placeholder="Default")  # fmt: skip
        if "`other`" in uses:
            rule["other"] = fourth.text_input("Other symbol", key="op_sim_other").strip() or None
        if st.form_submit_button("Plant", icon=":material/bolt:", key="op_sim_dirt_on"):
            switch_on("dirt", rule)


def ask_kind(subject: Subject, kinds: Mapping[str, str]) -> str:
    """Ask what shall go wrong; the address of the page follows."""
    return st.selectbox("Kind", list(kinds), key=f"op_sim_{subject}_kind", bind="query-params") or next(
        iter(kinds)
    )


def ask_vendor(subject: Subject) -> str | None:
    """Ask whose answers go wrong; ``None`` for everybody's."""
    chosen = st.selectbox("Vendor", [ANY_VENDOR, *ALL_SOURCES], key=f"op_sim_{subject}_vendor")
    return None if chosen == ANY_VENDOR else chosen


def ask_day(place: Any, label: str, meaning: str) -> str | None:
    """Ask for a day; ``None`` without one."""
    day = place.date_input(
        label, None, key=f"op_sim_{label.lower()}", format="YYYY-MM-DD", help=meaning, min_value=date(1998, 1, 2), max_value=date(2100, 1, 1)
    )  # fmt: skip
    return day.isoformat() if day else None


def switch_on(subject: Subject, rule: Mapping[str, object]) -> None:
    """Switch a rule on with what was given, or say in the simulator's words why it refuses."""
    try:
        simulator.plant(subject, {name: value for name, value in rule.items() if value is not None})
    except (VendorRefusedError, TransientError) as error:
        st.error(error.message, icon=":material/error:")
    else:
        st.rerun()


def switch_off(subject: Subject, number: int | None) -> None:
    """Remove one rule or all, or say why not."""
    try:
        simulator.clean(subject, number)
    except (VendorRefusedError, TransientError) as error:
        st.error(error.message, icon=":material/error:")
    else:
        st.rerun()

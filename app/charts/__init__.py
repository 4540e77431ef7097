"""Charts: pure functions from a polars frame to a Vega-Lite specification; no Streamlit, no files, no clock."""

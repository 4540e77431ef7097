"""The Streamlit app: reads what has been materialised, and nothing else."""

"""Charts as pure functions from tables to Plotly figures; no Streamlit here."""

"""The app. Start it with ``streamlit run app.py``."""

from dashboard.frame import draw_app

draw_app()

"""Small components of our own, for what Streamlit has no widget for."""

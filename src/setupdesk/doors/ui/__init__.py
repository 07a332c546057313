"""The web desk: a request, the runs and each run as pages, by Streamlit over /api/v1."""

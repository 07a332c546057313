"""The web desk's first lines."""

import streamlit as st

st.write("hello")

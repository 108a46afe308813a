"""The files of Azure Digital Twins Explorer: its Excel layout, and its JSON graph."""

"""What clients ask of a graph's past: versions, series, differences, and the way back."""

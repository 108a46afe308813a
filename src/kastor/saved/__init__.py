"""What the explorer keeps in a graph: views, queries, scenes, and the files that scenes show.

`SavedService` is what handlers see. Whatever comes in is judged before it is stored: scenes by
their form (`scene`), drawings by an allow-list (`svg`), models by their structure (`gltf`).
"""

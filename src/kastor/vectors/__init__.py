"""Search by meaning: vector indexes of a graph, and the twins whose vectors are nearest to one.

The truth stands in the graph: in twins' documents, or beside twins. What is kept in memory follows
the change log, so that an answer holds every write that was acknowledged before it was asked for.
"""

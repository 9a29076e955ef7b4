"""Writes docs/reference: pages that are made from the tables in the code, so that they are true.

python -m docs.make            write them
"""

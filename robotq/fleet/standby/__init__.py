"""Robots that two machines can reach: one daemon drives each, under a lease and an epoch.

What is here decides; the driver looks (`drivers.leased`), and the device refuses.
"""

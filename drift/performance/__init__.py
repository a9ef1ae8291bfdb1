"""Realised and estimated performance of a champion."""

"""Notebooks become published reports: parameters, run, render, publish, verify."""

"""Instruments: what is measured on results, whatever backend they come from."""

"""Tests of Callwright; the folders mirror `src/callwright`."""

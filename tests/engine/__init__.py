"""Tests of the native engine, on a real engine and its real bridge."""

"""Assertions in the scripted call and in the attribute tables explain themselves as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.twiml.playbook", "tests.twiml.verbs.tables")

"""The wire contract, case by case: every test speaks raw HTTP to a real server."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.client")

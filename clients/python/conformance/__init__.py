"""The driver of the Python client for tests/conformance, whose README says what it is told and tells."""

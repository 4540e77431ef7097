"""Run-time home; the packaged parts are migrations and views."""

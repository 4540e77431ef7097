"""The hourly path: vendor hours, consolidated hours and their features, as the session goes on and after it."""
